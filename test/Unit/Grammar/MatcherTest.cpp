//===- MatcherTest.cpp - Tests of the state of an answer ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/grammar/Matcher.h"

#include <gtest/gtest.h>

using namespace sherry::grammar;

TEST(Matcher, RefusedBytesChangeNothing) {
  Matcher matcher(Grammar(R"({"properties": {"a": {"type": "integer"}}})"));
  EXPECT_TRUE(matcher.advance("{\"a\":"));
  EXPECT_FALSE(matcher.accepts("1x"));
  EXPECT_FALSE(matcher.advance("1x"));
  EXPECT_FALSE(matcher.advance(""));
  EXPECT_FALSE(matcher.accepts(""));
  EXPECT_TRUE(matcher.accepts("1}"));
  EXPECT_TRUE(matcher.advance("1}"));
  EXPECT_TRUE(matcher.isComplete());
  EXPECT_TRUE(matcher.mustEnd());
  EXPECT_FALSE(matcher.accepts(" "));
}

TEST(Matcher, CopiesAreApart) {
  Matcher matcher(Grammar(R"({"type": "array", "items": {"enum": [1, 12]}})"));
  ASSERT_TRUE(matcher.advance("[1"));
  Matcher copy = matcher;
  ASSERT_TRUE(copy.advance("2]"));
  EXPECT_TRUE(copy.isComplete());
  EXPECT_FALSE(matcher.isComplete());
  EXPECT_TRUE(matcher.advance(",12]"));
}

TEST(Matcher, NumbersMayGoOnOrEnd) {
  Matcher matcher(Grammar(R"({"type": "number"})"));
  EXPECT_FALSE(matcher.isComplete());
  ASSERT_TRUE(matcher.advance("1"));
  EXPECT_TRUE(matcher.isComplete());
  EXPECT_FALSE(matcher.mustEnd());
  ASSERT_TRUE(matcher.advance("."));
  EXPECT_FALSE(matcher.isComplete());
}

// The grammar may be gone: the matcher keeps what it needs.
TEST(Matcher, OutlivesItsGrammar) {
  auto grammar = std::make_unique<Grammar>(Grammar::anyObject());
  Matcher matcher(*grammar);
  grammar.reset();
  EXPECT_TRUE(matcher.advance("{\"a\": [1, 2]}"));
  EXPECT_TRUE(matcher.mustEnd());
}

// An answer of any length needs no more memory than the values it is within.
TEST(Matcher, LongAnswers) {
  Matcher matcher(Grammar(R"({"type": "array", "minItems": 30000,
                              "items": {"type": "string"}})"));
  ASSERT_TRUE(matcher.advance("[\"a\""));
  for (unsigned i = 1; i < 30000; ++i) {
    EXPECT_FALSE(matcher.accepts("]"));
    ASSERT_TRUE(matcher.advance(",\"abc\\n\"")) << i;
  }
  EXPECT_TRUE(matcher.accepts("]"));
}

// Branches that mean the same do not multiply.
TEST(Matcher, AmbiguousBranches) {
  Matcher matcher(Grammar(R"({"type": "array", "items": {"anyOf": [
      {"type": "array", "items": {"type": "string"}},
      {"type": "array", "items": {"type": ["string", "null"]}},
      {"type": "array"}]}})"));
  ASSERT_TRUE(matcher.advance("["));
  for (unsigned i = 0; i < 1000; ++i)
    ASSERT_TRUE(matcher.advance("[\"a\", \"b\"],"));
  EXPECT_TRUE(matcher.advance("[\"a\", null, 1]]"));
  EXPECT_TRUE(matcher.isComplete());
}
