//===- MaskTest.cpp - Tests of the tokens that are allowed ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RandomAnswer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

using namespace sherry::grammar;

namespace {

nlohmann::ordered_json readSchemas() {
  std::ifstream file(SHERRY_SOURCE_DIR "/test/Grammar/Inputs/schemas.json");
  return nlohmann::ordered_json::parse(file);
}

/// The mask must say of each token what the matcher does.
void checkMask(const Matcher &matcher) {
  const Vocabulary &vocabulary = testVocabulary();
  std::vector<uint32_t> mask(vocabulary.maskWords(), 0xFFFFFFFF);
  allowedTokens(matcher, vocabulary, mask.data());
  for (uint32_t token = 0; token < vocabulary.size(); ++token)
    ASSERT_EQ(mask[token / 32] >> token % 32 & 1,
              matcher.accepts(testTokens()[token]))
        << "token '" << testTokens()[token] << "'";
  // No token, no bit.
  for (size_t bit = vocabulary.size(); bit < mask.size() * 32; ++bit)
    ASSERT_EQ(mask[bit / 32] >> bit % 32 & 1, 0u);
}

} // namespace

TEST(Mask, EqualsAcceptsInRandomStates) {
  std::mt19937 random(7);
  for (const auto &schema : readSchemas()) {
    const Grammar grammar(schema.dump());
    for (unsigned i = 0; i < 40; ++i)
      randomAnswer(grammar, random, [&](const Matcher &matcher) {
        if (random() % 4 == 0)
          checkMask(matcher);
      });
  }
}

// Around the limit, few tokens that stay within the string are allowed.
TEST(Mask, EqualsAcceptsBeforeAStringIsFull) {
  const Grammar grammar(
      R"({"type": "string", "minLength": 30, "maxLength": 40})");
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.advance("\""));
  for (unsigned i = 0; i < 40; ++i) {
    checkMask(matcher);
    ASSERT_TRUE(matcher.advance("a"));
  }
  checkMask(matcher);
  EXPECT_FALSE(matcher.accepts("a"));
  EXPECT_TRUE(matcher.accepts("\""));
}

TEST(Mask, EqualsAcceptsInStringsOfSeveralBranches) {
  const Grammar grammar(R"({"anyOf": [
      {"type": "array", "items": {"type": "string", "maxLength": 4}},
      {"type": "array", "items": {"type": "string", "minLength": 2}},
      {"type": "array", "items": {"type": "string", "pattern": "^a.*b$"}},
      {"type": "array", "items": {"enum": ["aaab", "the"]}}]})");
  for (const char *text : {"[", "[\"", "[\"a", "[\"aaa", "[\"aaaa", "[\"aaaab",
                           "[\"aaab\"", "[\"x", "[\"xyzxyz", "[\"\xc3"}) {
    Matcher matcher(grammar);
    ASSERT_TRUE(matcher.advance(text)) << text;
    checkMask(matcher);
  }
}

TEST(Mask, RandomAnswersAreDocuments) {
  std::mt19937 random(1);
  for (const auto &schema : readSchemas()) {
    const Grammar grammar(schema.dump());
    for (unsigned i = 0; i < 1000; ++i) {
      const std::string answer = randomAnswer(grammar, random);
      EXPECT_TRUE(nlohmann::json::accept(answer)) << answer;
    }
  }
}

// What takes long is cut short: some tokens may be missing, none is wrong, and
// some are left.
TEST(Mask, ManyBranchesTakeNoLongerThanSome) {
  std::string branches;
  for (unsigned i = 0; i < 100; ++i)
    branches += (i ? "," : "") + std::string(R"({"type":"string","pattern":)") +
                "\"^[a-z ]*[A-Z]{" + std::to_string(i % 9 + 1) + "}[0-9]{" +
                std::to_string(i / 9 + 1) + "}$\"}";
  Matcher matcher(Grammar("{\"anyOf\":[" + branches + "]}"));
  ASSERT_TRUE(matcher.advance("\"abc"));
  // A vocabulary of all words of three letters.
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 26 * 26 * 26; ++i)
    for (const char *end : {"", "a", " b", "A", "0"})
      texts.push_back(std::string{char('a' + i % 26), char('a' + i / 26 % 26),
                                  char('a' + i / 676)} +
                      end);
  const Vocabulary vocabulary({texts.begin(), texts.end()});
  std::vector<uint32_t> mask(vocabulary.maskWords()), again(mask.size());
  allowedTokens(matcher, vocabulary, mask.data());
  allowedTokens(matcher, vocabulary, again.data());
  EXPECT_EQ(mask, again);
  size_t count = 0;
  for (uint32_t token = 0; token < vocabulary.size(); ++token)
    if (mask[token / 32] >> token % 32 & 1) {
      ++count;
      ASSERT_TRUE(matcher.accepts(texts[token])) << texts[token];
    }
  EXPECT_GT(count, 0u);
}

TEST(Mask, EmptyVocabulary) {
  const Vocabulary vocabulary({});
  EXPECT_EQ(vocabulary.maskWords(), 0u);
  allowedTokens(Matcher(Grammar::anyObject()), vocabulary, nullptr);
  const Vocabulary special({"", ""});
  uint32_t mask = 3;
  allowedTokens(Matcher(Grammar::anyObject()), special, &mask);
  EXPECT_EQ(mask, 0u);
}

// Tokens of 64 bytes that only differ at the end, more than a mask word.
TEST(Mask, LongTokens) {
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 100; ++i)
    texts.push_back("\"" + std::string(i, 'a') + (i % 2 ? "\"" : ""));
  const Vocabulary vocabulary({texts.begin(), texts.end()});
  const Matcher matcher(Grammar(R"({"type": "string", "maxLength": 50})"));
  std::vector<uint32_t> mask(vocabulary.maskWords());
  allowedTokens(matcher, vocabulary, mask.data());
  for (uint32_t i = 0; i < 100; ++i)
    EXPECT_EQ(mask[i / 32] >> i % 32 & 1, i <= 50) << i;
}
