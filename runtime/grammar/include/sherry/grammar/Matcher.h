//===- Matcher.h - Matches answers with a grammar ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_MATCHER_H
#define SHERRY_GRAMMAR_MATCHER_H

#include "sherry/grammar/Grammar.h"

#include <string_view>

namespace sherry::grammar {

class Vocabulary;

/// A state to which a grammar returns; see Run.h.
struct Frame {
  uint32_t state;  ///< the next state
  uint32_t count;  ///< begun iterations of a loop
  uint32_t parent; ///< the frame below
  uint32_t depth;  ///< frames from this one to the lowest
};
struct Thread {
  uint32_t state;
  uint32_t top; ///< its uppermost frame
};

/// The beginning of an answer. There always is a way to complete it. Copies are
/// cheap and independent.
class Matcher {
public:
  explicit Matcher(Grammar grammar);

  /// Whether the answer may go on with `bytes`, which may end anywhere, also
  /// within a character. False if `bytes` is empty.
  bool accepts(std::string_view bytes) const;
  /// Appends `bytes` and returns true if they are accepted; else changes
  /// nothing and returns false.
  bool advance(std::string_view bytes);

  /// Whether the answer may end here.
  bool isComplete() const;
  /// Whether the answer is complete and cannot go on.
  bool mustEnd() const;

private:
  friend void allowedTokens(const Matcher &matcher,
                            const Vocabulary &vocabulary, uint32_t *mask);
  const Program &program() const { return *grammar.program; }

  Grammar grammar;
  std::vector<Frame> frames;
  std::vector<Thread> threads;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_MATCHER_H
