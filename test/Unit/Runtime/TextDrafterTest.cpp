//===- TextDrafterTest.cpp - Tests of drafts from the text itself ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TextDrafter.h"
#include "TestSupport.h"

#include <numeric>
#include <random>

using namespace sherry;
using namespace sherry::runtime;
using namespace sherry::test;

using Tokens = std::vector<int32_t>;

// What is found is where the suffix was seen last as the longest one.
TEST(TextDrafter, PrefersWhatWasSeenLately) {
  const Drafter drafter(check(sherry_drafter_create()));
  const Tokens text = {7, 1, 8, 7, 2, 9, 7, 3, 6, 7};
  ASSERT_EQ(sherry_drafter_push(drafter.get(), text.data(), 10), 0);
  int32_t next = 0;
  EXPECT_EQ(sherry_drafter_draft(drafter.get(), &next, 1), 1);
  EXPECT_EQ(next, 3);
}

TEST(TextDrafter, DraftsGoRound) {
  const Drafter drafter(check(sherry_drafter_create()));
  Tokens draft(7, -1);
  auto ask = [&](int64_t count) {
    return sherry_drafter_draft(drafter.get(), draft.data(), count);
  };
  EXPECT_EQ(ask(7), 0);
  const Tokens text = {5, 1, 2, 3, 1, 2};
  ASSERT_EQ(sherry_drafter_push(drafter.get(), text.data(), 1), 0);
  EXPECT_EQ(ask(7), 0);
  EXPECT_EQ(draft, Tokens(7, -1)); // nothing is known of a new token
  ASSERT_EQ(sherry_drafter_push(drafter.get(), text.data() + 1, 5), 0);
  EXPECT_EQ(ask(0), 2);
  EXPECT_EQ(ask(7), 2);
  EXPECT_EQ(draft, (Tokens{3, 1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(ask(-1), -1);
  EXPECT_CONTAINS(sherry_error_message(), "a draft of -1 tokens");
  EXPECT_EQ(sherry_drafter_push(drafter.get(), text.data(), -1), -1);
  EXPECT_CONTAINS(sherry_error_message(), "a text of -1 tokens");
}

namespace {
struct Draft {
  size_t length;
  Tokens tokens;
};
} // namespace

static Draft draftAfter(const Tokens &text, size_t count) {
  TextDrafter drafter;
  for (int32_t token : text)
    drafter.push(token);
  const SuffixAutomaton::Match match = drafter.match();
  return {
      match.length,
      {match.continuation, match.continuation + std::min(match.size, count)}};
}

/// 100, 101, ..., 139, then 0, then the first `same` of these tokens again.
static Tokens repeat(size_t same) {
  Tokens text(40);
  std::iota(text.begin(), text.end(), 100);
  text.push_back(0);
  for (size_t i = 0; i < same; ++i)
    text.push_back(text[i]);
  return text;
}

TEST(TextDrafter, GoesOnBehindReplacedTokens) {
  Tokens text = repeat(10);
  text.insert(text.end(), {1, 2, 3}); // for 110, 111, 112
  EXPECT_EQ(draftAfter(text, 2).length, 0U);
  text.push_back(113);
  Draft draft = draftAfter(text, 3);
  EXPECT_EQ(draft.length, 4U);
  EXPECT_EQ(draft.tokens, (Tokens{114, 115, 116}));
  text.push_back(114);
  draft = draftAfter(text, 1);
  EXPECT_EQ(draft.length, 8U);
  EXPECT_EQ(draft.tokens, Tokens{115});
  // More tokens, one of which is at the expected place.
  text = repeat(10);
  text.insert(text.end(), {1, 2, 3, 4, 110, 115});
  EXPECT_EQ(draftAfter(text, 1).tokens, Tokens{116});
  text.push_back(117); // for 116
  EXPECT_EQ(draftAfter(text, 1).tokens, Tokens{118});
}

TEST(TextDrafter, ReplacesTokensOfLongRepeatsOnly) {
  Tokens text = repeat(7);
  text.insert(text.end(), {1, 108});
  EXPECT_EQ(draftAfter(text, 1).length, 1U); // 108 itself
  text = repeat(8);
  text.insert(text.end(), {1, 109});
  EXPECT_EQ(draftAfter(text, 1).length, 4U);
}

TEST(TextDrafter, ReplacesFewTokens) {
  for (size_t count : {31U, 32U}) {
    Tokens text(80), again;
    std::iota(text.begin(), text.end(), 100);
    text.push_back(0);
    again.assign(text.begin(), text.begin() + 10);
    text.insert(text.end(), again.begin(), again.end());
    for (size_t i = 0; i <= count; ++i)
      text.push_back(static_cast<int32_t>(i < count ? 1000 + i : 110 + i));
    EXPECT_EQ(draftAfter(text, 1).length, count == 31 ? 4U : 1U);
  }
}

// Every draft is part of the text, and the tokens before it are those at the
// end of the text: as many as the length says, a fourth behind replaced tokens.
TEST(TextDrafter, DraftsPartsOfTheText) {
  std::mt19937 random(1);
  int plain = 0, behindReplaced = 0;
  for (int round = 0; round < 200; ++round) {
    TextDrafter drafter;
    SuffixAutomaton automaton;
    Tokens text;
    size_t from = 0;
    while (text.size() < 300) {
      if (random() % 40 == 0 && !text.empty())
        from = random() % text.size();
      const bool isNew = from == text.size() || random() % 15 == 0;
      text.push_back(isNew ? static_cast<int32_t>(random() % 6) : text[from]);
      ++from;
      drafter.push(text.back());
      automaton.push(text.back());
      const SuffixAutomaton::Match match = drafter.match();
      const SuffixAutomaton::Match longest = automaton.match();
      if (match.length == 0)
        continue;
      ASSERT_GE(match.size, 1U);
      ASSERT_LT(match.size, text.size());
      const auto end = text.end() - static_cast<ptrdiff_t>(match.size);
      ASSERT_TRUE(std::equal(end, text.end(), match.continuation));
      const bool isPlain = match.length == longest.length;
      ++(isPlain ? plain : behindReplaced);
      ASSERT_TRUE(isPlain ||
                  (match.length > longest.length && match.length % 4 == 0));
      const auto same =
          static_cast<ptrdiff_t>(isPlain ? match.length : match.length / 4);
      ASSERT_TRUE(std::equal(end - same, end, text.end() - same));
    }
  }
  EXPECT_GT(plain, 1000);
  EXPECT_GT(behindReplaced, 1000);
}
