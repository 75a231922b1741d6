//===- Model.h - A compiled model, opened -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled model: the code, weights, description and tokenizer of one file.
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
/// `model`: because of another ABI version, a missing CPU feature, or sizes
/// that contradict each other or the `weightsSize` bytes in the file.
void checkModelTable(const sherry_abi_model &model, uint64_t weightsSize,
                     uint64_t cpuFeatures);

class Ranks;

class Model {
public:
  /// Throws Error, whose message begins with the path, if the file is not a
  /// model that can run here.
  Model(const std::string &path, sherry_weights placement)
      : Model(File(path), placement) {}
  /// The same for an open file; its path is for messages.
  Model(const File &file, sherry_weights placement);

  /// The table of the model's code.
  const sherry_abi_model &abi() const { return *table; }
  /// Bytes for a team of `numThreads` threads, at most SHERRY_ABI_MAX_THREADS.
  /// Cannot overflow: checkModelTable() bounds both sizes.
  uint64_t workspaceSize(uint32_t numThreads) const {
    return table->workspace_size + numThreads * table->thread_workspace_size;
  }
  const uint8_t *weights() const { return weightsMapping.data(); }
  /// The most tokens of a call.
  uint32_t maxBlock() const;
  /// The entry point for `numTokens` tokens, at most maxBlock().
  sherry_abi_forward_fn entryFor(int64_t numTokens) const;
  /// The ranks that run the model together; null if the model is not cut, or
  /// was opened alone.
  const std::shared_ptr<Ranks> &ranks() const { return allRanks; }
  void setRanks(std::shared_ptr<Ranks> ranks) { allRanks = std::move(ranks); }
  /// The checksums of the code and of the weights, which identify the model.
  const sherry_abi_checksum &checksum() const { return identity.file; }
  /// The part of the model that this file is.
  const sherry_abi_identity &part() const { return identity; }
  /// Throws Error, whose message begins with the path, if the weights are
  /// damaged.
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
  sherry_abi_identity identity = {}; ///< as stored in the file
  Metadata description;
  std::optional<Tokenizer> textTokenizer;
  std::shared_ptr<Ranks> allRanks;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_MODEL_H
