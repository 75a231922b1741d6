//===- SuffixAutomatonTest.cpp - Tests of the suffix automaton ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SuffixAutomaton.h"
#include "TestSupport.h"

#include <algorithm>
#include <random>

using namespace sherry;
using namespace sherry::runtime;
using namespace sherry::test;

using Tokens = std::vector<int32_t>;

/// Whether the last `length` tokens of a text also end before `end`.
static bool endsAt(const Tokens &text, size_t length, size_t end) {
  return length <= end &&
         std::equal(text.end() - static_cast<ptrdiff_t>(length), text.end(),
                    text.begin() + static_cast<ptrdiff_t>(end - length));
}

/// The longest suffix that ends at an earlier place, too, by trying all.
static size_t findLongest(const Tokens &text) {
  for (size_t length = text.size() - 1; length > 0; --length)
    for (size_t end = length; end < text.size(); ++end)
      if (endsAt(text, length, end))
        return length;
  return 0;
}

// Texts over few tokens repeat themselves everywhere, those over many nowhere;
// some repeat a part of themselves.
TEST(SuffixAutomaton, FindsTheLongestSuffixThatOccurredBefore) {
  std::mt19937 random(1);
  for (int round = 0; round < 150; ++round) {
    const uint32_t letters = 1 + random() % (round % 3 == 0 ? 100 : 4);
    SuffixAutomaton automaton;
    EXPECT_EQ(automaton.match().length, 0U);
    Tokens text;
    size_t copied = 0, from = 0;
    while (text.size() < 80) {
      if (copied == 0 && !text.empty() && random() % 20 == 0) {
        copied = random() % 20;
        from = random() % text.size();
      }
      const bool copies = copied > 0;
      copied -= copies;
      text.push_back(copies ? text[from++]
                            : static_cast<int32_t>(random() % letters) - 2);
      automaton.push(text.back());
      const SuffixAutomaton::Match match = automaton.match();
      ASSERT_EQ(match.length, findLongest(text));
      if (match.length == 0)
        continue;
      ASSERT_GE(match.size, 1U);
      ASSERT_LT(match.size, text.size());
      const size_t end = text.size() - match.size;
      ASSERT_TRUE(endsAt(text, match.length, end));
      ASSERT_TRUE(std::equal(match.continuation,
                             match.continuation + match.size,
                             text.begin() + static_cast<ptrdiff_t>(end)));
    }
    EXPECT_EQ(automaton.size(), text.size());
  }
}

// Quadratic time or memory would take minutes, or all memory.
TEST(SuffixAutomaton, IsLinear) {
  for (uint32_t letters : {1U, 2U, 50000U}) {
    std::mt19937 random(letters);
    SuffixAutomaton automaton;
    for (int i = 0; i < 300000; ++i)
      automaton.push(static_cast<int32_t>(random() % letters));
    EXPECT_EQ(automaton.size(), 300000U);
    EXPECT_GE(automaton.match().length, 1U);
  }
}
