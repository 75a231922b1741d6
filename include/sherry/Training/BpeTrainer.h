//===- BpeTrainer.h - Merges of byte-pair encoding --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Learns merges of adjacent tokens from pieces of text (Sennrich et al., 2016,
// on bytes).
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_BPETRAINER_H
#define SHERRY_TRAINING_BPETRAINER_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sherry::training {

/// The ids of two adjacent tokens.
using TokenPair = std::pair<uint32_t, uint32_t>;

struct BpeVocabulary {
  std::vector<std::string> tokens; ///< bytes, by id; all differ
  std::vector<TokenPair> merges;   ///< each makes the next token
  uint64_t encodedTokens = 0;      ///< number of tokens of all pieces
};

class BpeTrainer {
public:
  /// Longer pieces are split, so that the number of pieces with a pair bounds
  /// the time of its merge.
  static constexpr size_t kMaxPieceBytes = 256;

  /// Counts `piece`, any bytes, once more. Only a new piece takes memory.
  void addPiece(llvm::StringRef piece);

  uint64_t getDistinctPieces() const { return pieces.size(); }
  uint64_t getBytes() const { return bytes; } ///< of all pieces

  /// Merges, again and again, the pair that occurs most often, until there are
  /// `size` tokens or no pair occurs `minFrequency` times (1 or more).
  ///
  /// The first 256 tokens are the bytes, in the order of the characters that
  /// stand for them in the byte-level alphabet. A pair occurs wherever its
  /// tokens are adjacent: twice in `aaa`. Of pairs that occur equally often,
  /// the pair with the smallest left id is merged, then the pair with the
  /// smallest right id. Within a piece, merging goes from left to right.
  /// Hugging Face tokenizers (BpeTrainer) has the same rules.
  ///
  /// The result depends on the number of times that each piece was added, not
  /// on the order. Calls `onMerge` with the number of tokens so far.
  BpeVocabulary train(size_t size, uint64_t minFrequency,
                      llvm::function_ref<void(size_t)> onMerge) const;

private:
  llvm::StringMap<uint64_t> pieces; ///< number of times each was added
  uint64_t bytes = 0;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_BPETRAINER_H
