//===- BatchTest.cpp - Tests of sequences that are evaluated together -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ContextFixture.h"

using namespace sherry::test;

namespace {
using BatchTest = ContextTest;

/// Logits of a batch, by entry.
struct BatchRows {
  std::vector<Rows> entries;

  static void add(void *user, int64_t entry, int64_t index,
                  const float *values) {
    Rows::add(&static_cast<BatchRows *>(user)->entries.at(entry), index,
              values);
  }
};
} // namespace

TEST_F(BatchTest, SequencesOfABatchDoNotMeet) {
  for (uint32_t threads : {1, 3})
    for (uint32_t block : {16, 1, 5}) {
      auto context = makeContext({60, block, threads, 3});
      EXPECT_EQ(sherry_context_sequences(context.get()), 3U);
      // Each sequence begins with another token.
      auto part = [&](size_t sequence) { return tokens.data() + sequence; };
      auto text = [&](size_t sequence) {
        return std::vector<int32_t>(part(sequence), tokens.data() + 75);
      };
      BatchRows rows{std::vector<Rows>(3)};
      sherry_batch_entry prompts[] = {{2, SHERRY_LOGITS_ALL, part(2), 7},
                                      {0, SHERRY_LOGITS_NONE, part(0), 20},
                                      {1, SHERRY_LOGITS_LAST, part(1), 30}};
      ASSERT_EQ(
          sherry_eval_batch(context.get(), prompts, 3, BatchRows::add, &rows),
          0);
      ASSERT_EQ(rows.entries[0].logits.size(), 7U);
      for (size_t i = 0; i < 7; ++i) {
        EXPECT_EQ(rows.entries[0].indices[i], static_cast<int64_t>(i));
        EXPECT_EQ(rows.entries[0].best(i), demoNext(text(2), i + 1));
      }
      EXPECT_TRUE(rows.entries[1].logits.empty());
      ASSERT_EQ(rows.entries[2].indices, std::vector<int64_t>{29});
      EXPECT_EQ(rows.entries[2].best(0), demoNext(text(1), 30));

      // One more token for each, as a server decodes.
      rows.entries.assign(3, {});
      sherry_batch_entry next[] = {{0, SHERRY_LOGITS_LAST, part(0) + 20, 1},
                                   {1, SHERRY_LOGITS_LAST, part(1) + 30, 1},
                                   {2, SHERRY_LOGITS_LAST, part(2) + 7, 1}};
      ASSERT_EQ(
          sherry_eval_batch(context.get(), next, 3, BatchRows::add, &rows), 0);
      const size_t lengths[] = {21, 31, 8};
      for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(rows.entries[i].best(0), demoNext(text(i), lengths[i]));
        EXPECT_EQ(sherry_context_position(context.get(), i), lengths[i]);
      }
      ASSERT_EQ(sherry_context_truncate(context.get(), 1, 4), 0);
      EXPECT_EQ(sherry_context_position(context.get(), 1), 4U);
      EXPECT_EQ(sherry_context_position(context.get(), 2), 8U);
    }
}

// For those who pick tokens one by one, and tell others of them between.
TEST_F(BatchTest, LogitsOfABlockStayUntilTheNext) {
  auto context = makeContext({60, 16, 1, 2});
  struct Pointers {
    std::vector<const float *> logits;
    std::vector<std::vector<float>> values;
  } pointers;
  auto keep = [](void *user, int64_t, int64_t, const float *logits) {
    auto &pointers = *static_cast<Pointers *>(user);
    pointers.logits.push_back(logits);
    pointers.values.emplace_back(logits, logits + 262);
  };
  const sherry_batch_entry entries[] = {
      {0, SHERRY_LOGITS_ALL, tokens.data(), 9},
      {1, SHERRY_LOGITS_ALL, tokens.data() + 1, 7}};
  ASSERT_EQ(sherry_eval_batch(context.get(), entries, 2, keep, &pointers), 0);
  ASSERT_EQ(sherry_context_truncate(context.get(), 0, 4), 0);
  ASSERT_EQ(sherry_sequence_drop(context.get(), 1), 0);
  ASSERT_EQ(pointers.logits.size(), 16U);
  for (size_t i = 0; i < 16; ++i)
    EXPECT_TRUE(std::equal(pointers.values[i].begin(), pointers.values[i].end(),
                           pointers.logits[i]));
}

TEST_F(BatchTest, HiddenStatesInsteadOfLogits) {
  struct Values {
    std::vector<std::pair<int64_t, int64_t>> places;
    std::vector<float> first;

    static void add(void *user, int64_t entry, int64_t index,
                    const float *values) {
      auto *all = static_cast<Values *>(user);
      all->places.emplace_back(entry, index);
      all->first.push_back(entry == 1 ? -1 : values[0]);
      EXPECT_TRUE(entry == 1 || values[3] == values[0] + 3);
    }
  };
  EXPECT_EQ(sherry_model_hidden_size(model.get()), 4U);
  for (uint32_t block : {16, 1, 3}) {
    auto context = makeContext({60, block, 2, 3});
    const sherry_batch_entry entries[] = {
        {0, SHERRY_HIDDEN_ALL, tokens.data(), 5},
        {1, SHERRY_LOGITS_LAST, tokens.data(), 7},
        {2, SHERRY_HIDDEN_LAST, tokens.data(), 20}};
    Values values;
    ASSERT_EQ(
        sherry_eval_batch(context.get(), entries, 3, Values::add, &values), 0)
        << sherry_error_message();
    const std::vector<std::pair<int64_t, int64_t>> places = {
        {0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 6}, {2, 19}};
    EXPECT_EQ(values.places, places);
    for (size_t i : {0, 1, 2, 3, 4})
      EXPECT_EQ(values.first[i], static_cast<float>(tokens[i]));
    EXPECT_EQ(values.first[6], static_cast<float>(tokens[19]));
    const float *logits = sherry_context_logits(context.get());
    ASSERT_NE(logits, nullptr);
    EXPECT_EQ(std::max_element(logits, logits + 262) - logits,
              demoNext(tokens, 7));
  }
}

TEST_F(BatchTest, AnEvaluationCanBeCancelled) {
  auto context = makeContext({75, 16, 1});
  int left = 2;
  auto goesOn = [](void *user) { return --*static_cast<int *>(user) > 0; };
  sherry_context_on_block(context.get(), goesOn, &left);
  EXPECT_EQ(sherry_eval(context.get(), tokens.data(), 75, SHERRY_LOGITS_LAST,
                        nullptr, nullptr),
            -1);
  EXPECT_CONTAINS(sherry_error_message(), "was cancelled");
  EXPECT_EQ(left, 0);
  EXPECT_EQ(sherry_context_position(context.get(), 0), 0U);
  EXPECT_EQ(sherry_context_free_pages(context.get()),
            sherry_context_pages(context.get()));
  // One block asks nobody.
  Rows rows;
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 16, SHERRY_LOGITS_LAST,
                        Rows::add, &rows),
            0);
  EXPECT_EQ(rows.best(0), demoNext(tokens, 16));
  sherry_context_on_block(context.get(), nullptr, nullptr);
  ASSERT_EQ(sherry_eval(context.get(), tokens.data() + 16, 59,
                        SHERRY_LOGITS_LAST, Rows::add, &rows),
            0);
  EXPECT_EQ(rows.best(1), demoNext(tokens, 75));
}

TEST_F(BatchTest, RefusedBatchesChangeNothing) {
  auto context = makeContext({40, 16, 1, 2});
  auto expectRefused = [&](sherry_batch_entry second,
                           const std::string &message) {
    const sherry_batch_entry entries[] = {
        {0, SHERRY_LOGITS_LAST, tokens.data(), 5}, second};
    EXPECT_EQ(sherry_eval_batch(context.get(), entries, 2, nullptr, nullptr),
              -1);
    EXPECT_CONTAINS(sherry_error_message(), message);
    EXPECT_EQ(sherry_context_position(context.get(), 0), 0U);
    EXPECT_EQ(sherry_context_position(context.get(), 1), 0U);
  };
  expectRefused({2, SHERRY_LOGITS_LAST, tokens.data(), 1},
                "sequence 2 is not in [0, 2)");
  expectRefused({0, SHERRY_LOGITS_LAST, tokens.data(), 1},
                "sequence 0 occurs twice");
  expectRefused({1, SHERRY_LOGITS_LAST, tokens.data(), 41},
                "41 tokens after 0 do not fit");
  EXPECT_EQ(sherry_context_truncate(context.get(), 2, 0), -1);
  EXPECT_EQ(sherry_context_position(context.get(), 2), 0U);
  EXPECT_EQ(sherry_eval_batch(context.get(), nullptr, 0, nullptr, nullptr), 0);
}
