//===- BpeTrainer.h - Merges of byte-pair encoding --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Learns from pieces of text which neighbours to merge (Sennrich et al., 2016,
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

/// The ids of two tokens next to each other.
using TokenPair = std::pair<uint32_t, uint32_t>;

struct BpeVocabulary {
  std::vector<std::string> tokens; ///< bytes, by id; all differ
  std::vector<TokenPair> merges;   ///< each made the next of the tokens
  uint64_t encodedTokens = 0;      ///< what the pieces become
};

class BpeTrainer {
public:
  /// Longer pieces count as several, so that the time for a merge is bounded by
  /// the pieces that have it.
  static constexpr size_t kMaxPieceBytes = 256;

  /// Counts `piece`, any bytes, once more. Memory is taken only for a piece
  /// that is new.
  void addPiece(llvm::StringRef piece);

  uint64_t getDistinctPieces() const { return pieces.size(); }
  uint64_t getBytes() const { return bytes; } ///< of all pieces

  /// Merges, again and again, the pair that occurs most often, until there are
  /// `size` tokens or no pair occurs `minFrequency` times (1 or more).
  ///
  /// The first 256 tokens are the bytes, in the order of the characters that
  /// stand for them in the byte-level alphabet. A pair occurs wherever its
  /// tokens are neighbours: twice in `aaa`. Of pairs that occur equally often
  /// the one of the smallest left id is merged, of these the one of the
  /// smallest right id. In a piece, merging goes from left to right. Hugging
  /// Face tokenizers (BpeTrainer) has the same rules.
  ///
  /// The result depends on the number of times that each piece was added, not
  /// on the order. `onMerge` gets the number of tokens so far.
  BpeVocabulary train(size_t size, uint64_t minFrequency,
                      llvm::function_ref<void(size_t)> onMerge) const;

private:
  llvm::StringMap<uint64_t> pieces; ///< times that each was added
  uint64_t bytes = 0;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_BPETRAINER_H
