//===- Vocabulary.h - The tokens that an answer may go on with --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask of all tokens takes much longer than the check of one token: first
// sample a token and check it with Matcher::accepts(); make the mask only if it
// is refused.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_VOCABULARY_H
#define SHERRY_GRAMMAR_VOCABULARY_H

#include "sherry/grammar/Matcher.h"

#include <memory>
#include <string_view>
#include <vector>

namespace sherry::grammar {

/// The bytes of all tokens of a model. Immutable; matchers of any threads may
/// share it.
class Vocabulary {
public:
  /// `tokens`: the bytes of each token by its id, empty for tokens that answers
  /// never have, such as special ones. Copies the bytes. Throws
  /// std::length_error if they are 2^31 bytes or more.
  explicit Vocabulary(const std::vector<std::string_view> &tokens);
  Vocabulary(const Vocabulary &) = delete;
  Vocabulary &operator=(const Vocabulary &) = delete;
  ~Vocabulary();

  size_t size() const;
  /// The number of words of a mask: token t has bit t % 32 of word t / 32.
  size_t maskWords() const { return (size() + 31) / 32; }

private:
  friend void allowedTokens(const Matcher &matcher,
                            const Vocabulary &vocabulary, uint32_t *mask);
  struct Data;
  std::unique_ptr<const Data> data;
};

/// Fills `mask` [vocabulary.maskWords()]: sets the bits of the tokens whose
/// bytes `matcher` accepts, and clears the others. If this takes long, some
/// accepted tokens may be left out, always the same ones. The caller adds
/// tokens that end answers, if Matcher::isComplete().
void allowedTokens(const Matcher &matcher, const Vocabulary &vocabulary,
                   uint32_t *mask);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_VOCABULARY_H
