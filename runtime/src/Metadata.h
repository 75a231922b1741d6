//===- Metadata.h - The description inside a model --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fields of the model's JSON description that the runtime itself uses.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_METADATA_H
#define SHERRY_RUNTIME_METADATA_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sherry::runtime {

/// Where a matrix of all layers is in the weights.
struct MatrixRange {
  uint64_t offset; ///< of the first layer, in bytes
  uint64_t stride; ///< bytes between layers
  uint64_t count;  ///< layers
  uint64_t bytes;  ///< of a layer, at least 1
};

/// The thread of a team of `threads` that reads a byte of the weights when a
/// token is decoded and products are divided into equal shares; none if no
/// matrix has the byte.
std::optional<uint64_t> findReader(const std::vector<MatrixRange> &matrices,
                                   uint64_t byte, uint64_t threads);

struct Metadata {
  std::string text; ///< the whole object, unchanged
  std::optional<int32_t> bosToken;
  std::vector<int32_t> eosTokens;
  /// Whether texts begin with bosToken; not set: as the tokenizer says.
  std::optional<bool> addBos;
  size_t numSteps = 0; ///< of the list "steps"
  std::vector<MatrixRange> matrices;
  uint64_t numRanks = 1;

  /// Throws Error, which names the field, if the JSON is wrong, if a token is
  /// not in [0, vocabSize), or if vocab_size is not `vocabSize`.
  static Metadata parse(std::string text, uint32_t vocabSize);
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_METADATA_H
