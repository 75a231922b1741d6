//===- RandomAnswer.h - What a model without a mind would say ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_GRAMMAR_RANDOMANSWER_H
#define SHERRY_TEST_GRAMMAR_RANDOMANSWER_H

#include "sherry/grammar/Vocabulary.h"

#include <functional>
#include <random>
#include <string>

namespace sherry::grammar {

/// All bytes, and tokens as vocabularies have them: words, parts of characters,
/// and what crosses the structure of JSON. Some are empty, some there twice.
const std::vector<std::string_view> &testTokens();
const Vocabulary &testVocabulary();

using MatcherFunction = std::function<void(const Matcher &)>;

/// Answers under masks, at random: freely at first, then to an end. Calls
/// `onStep`, unless it is empty, before each token. Throws std::logic_error if
/// the matcher contradicts itself.
std::string randomAnswer(const Grammar &grammar, std::mt19937 &random,
                         const MatcherFunction &onStep = {});

} // namespace sherry::grammar

#endif // SHERRY_TEST_GRAMMAR_RANDOMANSWER_H
