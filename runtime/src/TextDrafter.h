//===- TextDrafter.h - Drafts from the text itself --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXTDRAFTER_H
#define SHERRY_RUNTIME_TEXTDRAFTER_H

#include "SuffixAutomaton.h"

namespace sherry::runtime {

/// Continues a text by what followed an earlier part of it.
class TextDrafter {
public:
  /// Appends a token. Throws Error if the text is too long (2^30 tokens).
  void push(int32_t token);

  /// The longest suffix that has occurred before. But if the text has lately
  /// left a part that it repeated, and repeats it again as if tokens of it had
  /// been replaced by as many others: this part, with kTrust for each token
  /// since then as its length.
  SuffixAutomaton::Match match() const;

private:
  /// A token at the expected place says as much as several at any place.
  static constexpr size_t kTrust = 4;
  /// Fewest tokens of a repeated part, and most tokens from the first replaced
  /// one on, after which the part is given up.
  static constexpr size_t kLeastRepeated = 8, kMostSince = 32;

  SuffixAutomaton automaton;
  size_t left = 0;   ///< tokens before the first replaced one; 0 if none is
  size_t source = 0; ///< the place of the token that was replaced first
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEXTDRAFTER_H
