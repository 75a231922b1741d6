//===- RandomAnswer.cpp - What a model without a mind would say -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RandomAnswer.h"

#include <algorithm>
#include <stdexcept>

using namespace sherry::grammar;

namespace {

constexpr unsigned kMaxSteps = 30'000;

std::vector<std::string> makeTokens() {
  std::vector<std::string> tokens = {"",
                                     "the",
                                     " the",
                                     "ing",
                                     "name",
                                     "\"name\"",
                                     "{\"",
                                     "\":",
                                     "\": ",
                                     "\":{",
                                     "\":{\"",
                                     "\",\"",
                                     "\", \"",
                                     "\"}",
                                     "\"]",
                                     "}}",
                                     "]}",
                                     "},{",
                                     "[{\"",
                                     "[]",
                                     "{}",
                                     "[1",
                                     ",2",
                                     "12",
                                     "100",
                                     "0.5",
                                     "1e",
                                     "-1",
                                     "true",
                                     "false",
                                     "null",
                                     "tr",
                                     "ue",
                                     " {",
                                     ": ",
                                     ", ",
                                     ",\n",
                                     "{\n",
                                     "\n  ",
                                     "\n    ",
                                     "  ",
                                     "\t\t",
                                     "\\n",
                                     "\\\"",
                                     "\\u00",
                                     "\\ud83",
                                     "\\u",
                                     "d\\u",
                                     "\\\\\"",
                                     "\\",
                                     "a\"",
                                     "\"a",
                                     "\"\"",
                                     "\" }",
                                     "kind",
                                     "circle",
                                     "\xc3",
                                     "\xbc",
                                     "\xc3\xbc",
                                     "\xf0\x9f",
                                     "\x98\x80",
                                     "\xf0\x9f\x98\x80",
                                     "x\xe2",
                                     "\x82\xac\"",
                                     "\xe2\x82",
                                     "\"\xc3",
                                     "\xed\xa0",
                                     "\xff\xfe",
                                     "",
                                     "AB-",
                                     "2024",
                                     "-02-",
                                     "T12:",
                                     "00:00",
                                     "Z\"",
                                     "low",
                                     "er",
                                     "est\"",
                                     "the",
                                     "value\":1",
                                     "\"next\":",
                                     "null}",
                                     "aaaaaaaaaaaaaaaaaaaaaaaa",
                                     "a\303\274b\303\274\\t",
                                     "\"a\":\"",
                                     "\"c\": ",
                                     "abc\", \"c\": \"",
                                     "\":\"",
                                     "]]",
                                     "],["};
  for (unsigned byte = 0; byte < 256; ++byte)
    tokens.emplace_back(1, static_cast<char>(byte));
  return tokens;
}

bool isEnding(std::string_view token) {
  return token == "\"" || token == "}" || token == "]" || token == "null";
}

/// A token of the mask; one that ends what has begun if `ends`.
uint32_t choose(const std::vector<uint32_t> &mask, bool ends,
                std::mt19937 &random) {
  const auto &tokens = testTokens();
  std::vector<uint32_t> allowed, ending;
  for (uint32_t token = 0; token < tokens.size(); ++token) {
    if (!(mask[token / 32] >> token % 32 & 1))
      continue;
    allowed.push_back(token);
    if (ends && isEnding(tokens[token]))
      ending.push_back(token);
  }
  if (allowed.empty())
    throw std::logic_error("no token is allowed, and the answer has no end");
  const auto &from = ending.empty() ? allowed : ending;
  return from[std::uniform_int_distribution<size_t>(0,
                                                    from.size() - 1)(random)];
}

} // namespace

const std::vector<std::string_view> &sherry::grammar::testTokens() {
  static const std::vector<std::string> texts = makeTokens();
  static const std::vector<std::string_view> tokens(texts.begin(), texts.end());
  return tokens;
}

const Vocabulary &sherry::grammar::testVocabulary() {
  static const Vocabulary vocabulary(testTokens());
  return vocabulary;
}

std::string sherry::grammar::randomAnswer(const Grammar &grammar,
                                          std::mt19937 &random,
                                          const MatcherFunction &onStep) {
  const auto chance = [&](unsigned oneIn) { return random() % oneIn == 0; };
  Matcher matcher(grammar);
  std::string answer;
  std::vector<uint32_t> mask(testVocabulary().maskWords());
  const unsigned freeSteps = random() % 40;
  for (unsigned step = 0; step < kMaxSteps; ++step) {
    if (onStep)
      onStep(matcher);
    const bool ends = step >= freeSteps;
    if (matcher.mustEnd() || (matcher.isComplete() && (ends || chance(4))))
      return answer;
    allowedTokens(matcher, testVocabulary(), mask.data());
    const uint32_t token = choose(mask, ends ? chance(2) : chance(6), random);
    if (!matcher.advance(testTokens()[token]))
      throw std::logic_error("a token of the mask is refused");
    answer += testTokens()[token];
  }
  throw std::logic_error("the answer does not end: " + answer.substr(0, 1000));
}
