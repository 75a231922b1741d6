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

struct Metadata {
  std::string text; ///< the whole object, unchanged
  std::optional<int32_t> bosToken;
  std::vector<int32_t> eosTokens;
  /// Whether texts begin with bosToken; not set: as the tokenizer says.
  std::optional<bool> addBos;
  size_t numSteps = 0; ///< of the list "steps"
  uint64_t numRanks = 1;

  /// Throws Error, which names the field, if the JSON is wrong, if a token is
  /// not in [0, vocabSize), or if vocab_size is not `vocabSize`.
  static Metadata parse(std::string text, uint32_t vocabSize);
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_METADATA_H
