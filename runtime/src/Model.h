//===- Model.h - A compiled model, opened -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Brings code, weights, description and tokenizer of one file together.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_MODEL_H
#define SHERRY_RUNTIME_MODEL_H

#include "Library.h"
#include "Metadata.h"
#include "sherry-abi/abi.h"
#include "sherry/sherry.h"
#include "sherry/support/Memory.h"
#include "sherry/text/Tokenizer.h"

#include <memory>
#include <optional>

namespace sherry::runtime {

/// Throws Error if this runtime on this CPU cannot run the model of table
/// `model`: another ABI version, a missing CPU feature, sizes that contradict
/// each other or the `weightsSize` bytes that the file has.
void checkModelTable(const sherry_abi_model &model, uint64_t weightsSize,
                     uint64_t cpuFeatures);

class Ranks;

class Model {
public:
  /// Throws Error, beginning with the path, if the file is no model that can be
  /// run here.
  Model(const std::string &path, sherry_weights placement)
      : Model(File(path), placement) {}
  /// The same for a file that is open; its path is for messages.
  Model(const File &file, sherry_weights placement);

  /// The model's own table.
  const sherry_abi_model &abi() const { return *table; }
  const uint8_t *weights() const { return weightsMapping.data(); }
  /// Most tokens of a call.
  uint32_t maxBlock() const;
  /// The entry point for `numTokens` tokens, at most maxBlock().
  sherry_abi_forward_fn entryFor(int64_t numTokens) const;
  /// The ranks that run it together; null if it is not cut, or was opened
  /// alone.
  const std::shared_ptr<Ranks> &ranks() const { return allRanks; }
  void setRanks(std::shared_ptr<Ranks> ranks) { allRanks = std::move(ranks); }
  /// Checksums of the code and of the weights: what tells this model from
  /// others.
  const sherry_abi_checksum &checksum() const { return identity.file; }
  /// Which part of the model it is.
  const sherry_abi_identity &part() const { return identity; }
  /// Throws Error, beginning with the path, if the weights are damaged.
  void verify() const;
  const Metadata &metadata() const { return description; }
  bool isEos(int32_t token) const;

  bool hasTokenizer() const { return textTokenizer.has_value(); }
  /// Throws Error if there is none.
  const Tokenizer &tokenizer() const;

private:
  void load(const File &file);

  std::string path; ///< for messages
  Library library;
  const sherry_abi_model *table = nullptr;
  Mapping weightsMapping;
  sherry_abi_identity identity = {}; ///< as it was written
  Metadata description;
  std::optional<Tokenizer> textTokenizer;
  std::shared_ptr<Ranks> allRanks;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_MODEL_H
