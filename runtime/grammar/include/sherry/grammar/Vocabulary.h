//===- Vocabulary.h - The tokens that an answer may go on with --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask of all tokens takes much longer than the check of one: sample first,
// ask Matcher::accepts(), and make the mask only if the token is refused.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_VOCABULARY_H
#define SHERRY_GRAMMAR_VOCABULARY_H

#include "sherry/grammar/Matcher.h"

#include <memory>
#include <string_view>
#include <vector>

namespace sherry::grammar {

/// The bytes of all tokens of a model. Immutable: matchers in any threads share
/// it.
class Vocabulary {
public:
  /// `tokens`: the bytes of each token by its id; empty for those that answers
  /// never have, as special ones. They are copied. Throws std::length_error if
  /// they are 2^31 bytes or more.
  explicit Vocabulary(const std::vector<std::string_view> &tokens);
  Vocabulary(const Vocabulary &) = delete;
  Vocabulary &operator=(const Vocabulary &) = delete;
  ~Vocabulary();

  size_t size() const;
  /// Words of a mask: a bit for each token, t % 32 of word t / 32.
  size_t maskWords() const { return (size() + 31) / 32; }

private:
  friend void allowedTokens(const Matcher &matcher,
                            const Vocabulary &vocabulary, uint32_t *mask);
  struct Data;
  std::unique_ptr<const Data> data;
};

/// Fills `mask` [vocabulary.maskWords()]: a token has its bit if and only if
/// `matcher` accepts its bytes; where that takes long, some tokens that are
/// accepted may be left out, always the same. Tokens that end answers are up to
/// the caller: Matcher::isComplete() says when.
void allowedTokens(const Matcher &matcher, const Vocabulary &vocabulary,
                   uint32_t *mask);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_VOCABULARY_H
