//===- ContextTest.cpp - Tests of evaluation ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ContextFixture.h"
#include "Team.h"
#include "sherry/profile.h"

#include <numeric>
#include <thread>

using namespace sherry::test;

TEST_F(ContextTest, EverySplitAndTeamGivesTheSameLogits) {
  std::vector<std::vector<float>> reference;
  for (uint32_t threads : {1, 2, 3, 8})
    for (uint32_t block : {16, 1, 2, 3, 7, 15}) {
      auto context = makeContext({75, block, threads});
      Rows rows;
      ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 75, SHERRY_LOGITS_ALL,
                            Rows::add, &rows),
                0);
      ASSERT_EQ(rows.logits.size(), 75U);
      for (size_t i = 0; i < 75; ++i) {
        EXPECT_EQ(rows.indices[i], static_cast<int64_t>(i));
        ASSERT_EQ(rows.best(i), demoNext(tokens, i + 1))
            << "token " << i << ", block " << block << ", threads " << threads;
      }
      if (reference.empty())
        reference = rows.logits;
      EXPECT_EQ(rows.logits, reference);
      EXPECT_EQ(sherry_context_position(context.get(), 0), 75U);
    }
}

TEST_F(ContextTest, LastAndNone) {
  auto context = makeContext({100, 8, 2});
  Rows rows;
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 20, SHERRY_LOGITS_NONE,
                        Rows::add, &rows),
            0);
  EXPECT_TRUE(rows.logits.empty());
  EXPECT_EQ(sherry_context_logits(context.get()), nullptr);
  ASSERT_EQ(sherry_eval(context.get(), tokens.data() + 20, 13,
                        SHERRY_LOGITS_LAST, Rows::add, &rows),
            0);
  ASSERT_EQ(rows.indices, std::vector<int64_t>{12});
  EXPECT_EQ(rows.best(0), demoNext(tokens, 33));
  const float *logits = sherry_context_logits(context.get());
  ASSERT_NE(logits, nullptr);
  EXPECT_TRUE(std::equal(logits, logits + 262, rows.logits[0].begin()));
}

TEST_F(ContextTest, TruncateGoesBack) {
  auto context = makeContext({100, 8, 2});
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 50, SHERRY_LOGITS_LAST,
                        nullptr, nullptr),
            0);
  EXPECT_EQ(sherry_context_truncate(context.get(), 0, 51), -1);
  EXPECT_CONTAINS(sherry_error_message(), "50 tokens to 51");
  ASSERT_EQ(sherry_context_truncate(context.get(), 0, 30), 0);
  EXPECT_EQ(sherry_context_position(context.get(), 0), 30U);
  EXPECT_EQ(sherry_context_logits(context.get()), nullptr);
  Rows rows;
  std::vector<int32_t> other(tokens.begin(), tokens.begin() + 30);
  other.push_back(7);
  ASSERT_EQ(sherry_eval(context.get(), &other[30], 1, SHERRY_LOGITS_LAST,
                        Rows::add, &rows),
            0);
  EXPECT_EQ(rows.best(0), demoNext(other, 31));
}

TEST_F(ContextTest, RefusedTokensChangeNothing) {
  auto context = makeContext({40, 16, 1});
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 10, SHERRY_LOGITS_LAST,
                        nullptr, nullptr),
            0);
  const std::vector<float> before(sherry_context_logits(context.get()),
                                  sherry_context_logits(context.get()) + 262);
  auto expectRefused = [&](const int32_t *ids, int64_t n,
                           const std::string &message) {
    EXPECT_EQ(
        sherry_eval(context.get(), ids, n, SHERRY_LOGITS_ALL, nullptr, nullptr),
        -1);
    EXPECT_CONTAINS(sherry_error_message(), message);
    EXPECT_EQ(sherry_context_position(context.get(), 0), 10U);
    const float *logits = sherry_context_logits(context.get());
    ASSERT_NE(logits, nullptr);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), logits));
  };
  for (int32_t wrong : {262, -1, INT32_MAX, INT32_MIN}) {
    std::vector<int32_t> ids = {1, 2, wrong};
    expectRefused(ids.data(), 3,
                  "token " + std::to_string(wrong) +
                      " at index 2 is not in [0, 262)");
  }
  expectRefused(tokens.data(), 31,
                "31 tokens after 10 do not fit in a context of 40 positions");
  expectRefused(tokens.data(), -1, "do not fit");
  EXPECT_EQ(sherry_eval(context.get(), tokens.data(), 30, SHERRY_LOGITS_NONE,
                        nullptr, nullptr),
            0);
  EXPECT_EQ(sherry_eval(context.get(), nullptr, 0, SHERRY_LOGITS_ALL, nullptr,
                        nullptr),
            0);
}

TEST_F(ContextTest, RefusesValuesThatDoNotExist) {
  EXPECT_EQ(
      sherry_model_open(demoPath().c_str(), static_cast<sherry_weights>(7)),
      nullptr);
  EXPECT_CONTAINS(sherry_error_message(), "7 is not a value of sherry_weights");
  auto context = makeContext({40, 16, 1});
  EXPECT_EQ(sherry_eval(context.get(), tokens.data(), 1,
                        static_cast<sherry_logits>(77), nullptr, nullptr),
            -1);
  EXPECT_CONTAINS(sherry_error_message(), "77 is not a value of sherry_logits");
  EXPECT_EQ(sherry_context_position(context.get(), 0), 0U);
  EXPECT_EQ(sherry_eval_batch(context.get(), nullptr, -5, nullptr, nullptr),
            -1);
  EXPECT_CONTAINS(sherry_error_message(), "a batch of -5 entries");
  EXPECT_EQ(sherry_tokenize(model.get(), "a", 1, 8, nullptr, 0), -1);
  EXPECT_CONTAINS(sherry_error_message(), "flags of 8");
  EXPECT_EQ(sherry_tokenize(model.get(), "a", 1, 0, nullptr, -1), -1);
  EXPECT_CONTAINS(sherry_error_message(), "a capacity of -1");
}

TEST_F(ContextTest, CallbacksCannotChangeTheContext) {
  struct Caller {
    sherry_context *context;
    int count = 0;

    static void call(void *user, int64_t, const float *) {
      auto &caller = *static_cast<Caller *>(user);
      const int32_t token = 1;
      EXPECT_EQ(sherry_context_truncate(caller.context, 0, 0), -1);
      EXPECT_CONTAINS(sherry_error_message(), "the context is in use");
      EXPECT_EQ(sherry_eval(caller.context, &token, 1, SHERRY_LOGITS_LAST,
                            nullptr, nullptr),
                -1);
      EXPECT_CONTAINS(sherry_error_message(), "the context is in use");
      EXPECT_EQ(sherry_context_profile(caller.context, true), -1);
      EXPECT_EQ(sherry_context_position(caller.context, 0), 3U);
      ++caller.count;
    }
  };
  auto context = makeContext({40, 2, 1});
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 3, SHERRY_LOGITS_NONE,
                        nullptr, nullptr),
            0);
  Caller caller = {context.get()};
  ASSERT_EQ(sherry_eval(context.get(), tokens.data() + 3, 4, SHERRY_LOGITS_ALL,
                        Caller::call, &caller),
            0);
  EXPECT_EQ(caller.count, 4);
  EXPECT_EQ(sherry_context_position(context.get(), 0), 7U);
  EXPECT_EQ(sherry_context_truncate(context.get(), 0, 0), 0);
}

TEST_F(ContextTest, NoMoreThreadsThanProcessors) {
  auto threadsOf = [&](const char *dynamic) {
    setenv("OMP_DYNAMIC", dynamic, /*overwrite=*/1);
    return sherry_context_threads(makeContext({0, 0, 1000}).get());
  };
  const char *before = getenv("OMP_DYNAMIC");
  const std::string saved = before ? before : "";
  EXPECT_LE(threadsOf("true"), std::thread::hardware_concurrency());
  EXPECT_EQ(threadsOf("false"), 1000U);
  if (before)
    setenv("OMP_DYNAMIC", saved.c_str(), /*overwrite=*/1);
  else
    unsetenv("OMP_DYNAMIC");
}

TEST_F(ContextTest, Options) {
  ContextPtr context(sherry_context_create(model.get(), nullptr));
  ASSERT_TRUE(context);
  EXPECT_EQ(sherry_context_size(context.get()), 1024U);
  EXPECT_EQ(sherry_context_block(context.get()), 16U);
  EXPECT_GE(sherry_context_threads(context.get()), 1U);
  EXPECT_CONTAINS(createError({1025, 0, 0}),
                  "a context of 1025 is too large, at most 1024");
  EXPECT_CONTAINS(createError({0, 17, 0}), "at most 16");
  EXPECT_CONTAINS(createError({0, 0, 5000}), "at most 1024");
  EXPECT_CONTAINS(createError({0, 0, 0, 1025}),
                  "a number of sequences of 1025 is too large, at most 1024");
}

TEST_F(ContextTest, ContextsOfOneModelDoNotMeet) {
  auto run = [&](int32_t first, int *wrong) {
    auto context = makeContext({200, 4, 2});
    std::vector<int32_t> sequence = {first};
    for (int i = 0; i < 150; ++i) {
      Rows rows;
      if (sherry_eval(context.get(), &sequence.back(), 1, SHERRY_LOGITS_LAST,
                      Rows::add, &rows) != 0)
        break;
      *wrong += rows.best(0) != demoNext(sequence, sequence.size());
      sequence.push_back(rows.best(0));
    }
    *wrong += sequence.size() != 151;
  };
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(run, i * 17, &wrong[i]);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(std::accumulate(wrong.begin(), wrong.end(), 0), 0);
}

TEST_F(ContextTest, OutlivesTheHandleOfItsModel) {
  auto context = makeContext({100, 0, 1});
  model.reset();
  Rows rows;
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 20, SHERRY_LOGITS_LAST,
                        Rows::add, &rows),
            0);
  EXPECT_EQ(rows.best(0), demoNext(tokens, 20));
}

TEST_F(ContextTest, ProfileCountsSteps) {
  auto context = makeContext({75, 16, 2});
  sherry_step_time time;
  EXPECT_EQ(sherry_context_step_time(context.get(), 0, &time), -1);
  EXPECT_CONTAINS(sherry_error_message(), "no profile");

  ASSERT_EQ(sherry_context_profile(context.get(), true), 0);
  // Blocks of 16 and 4 tokens: the first step once each, the second for every
  // row of logits.
  ASSERT_EQ(sherry_eval(context.get(), tokens.data(), 20, SHERRY_LOGITS_ALL,
                        nullptr, nullptr),
            0);
  for (uint64_t calls : {2, 20}) {
    ASSERT_EQ(
        sherry_context_step_time(context.get(), calls == 2 ? 0 : 1, &time), 0);
    EXPECT_EQ(time.calls, calls);
    EXPECT_GT(time.busy_ns, 0U);
  }
  EXPECT_EQ(sherry_context_step_time(context.get(), 2, &time), -1);
  EXPECT_CONTAINS(sherry_error_message(), "step 2");

  ASSERT_EQ(sherry_context_profile(context.get(), true), 0);
  ASSERT_EQ(sherry_context_step_time(context.get(), 0, &time), 0);
  EXPECT_EQ(time.calls, 0U);
  ASSERT_EQ(sherry_context_profile(context.get(), true), 0);
  EXPECT_EQ(sherry_context_events(context.get(), nullptr, 0), -1);
  EXPECT_CONTAINS(sherry_error_message(), "keeps no steps");
  ASSERT_EQ(sherry_context_profile(context.get(), false), 0);
  EXPECT_EQ(sherry_context_events(context.get(), nullptr, 0), -1);
  EXPECT_CONTAINS(sherry_error_message(), "has no profile");
  EXPECT_EQ(sherry_context_step_time(context.get(), 0, &time), -1);
}

TEST(Profile, MeansAreOfTheThreadsThatTookPart) {
  sherry::runtime::Profile profile(2, 4, /*keepsEvents=*/false);
  profile.timesOf(0)[1] = {3, 100, 50};
  profile.timesOf(1)[1] = {3, 200, 30};
  const sherry_step_time time = profile.time(1);
  EXPECT_EQ(time.calls, 3U);
  EXPECT_EQ(time.busy_ns, 150U);
  EXPECT_EQ(time.waiting_ns, 40U);
  EXPECT_EQ(profile.time(0).calls, 0U);
}

TEST_F(ContextTest, NoMoreThreadsThanOpenMPAllows) {
  testing::FLAGS_gtest_death_test_style = "threadsafe"; // in a new process
  auto printThreads = [&] {
    std::fprintf(stderr, "%u threads",
                 sherry_context_threads(makeContext({75, 16, 4}).get()));
    std::_Exit(0);
  };
  setenv("OMP_THREAD_LIMIT", "1", /*overwrite=*/1);
  EXPECT_EXIT(printThreads(), testing::ExitedWithCode(0), "1 threads");
  unsetenv("OMP_THREAD_LIMIT");
}

TEST_F(ContextTest, BindingKeepsTheNumberOfThreads) {
  testing::FLAGS_gtest_death_test_style = "threadsafe"; // in a new process
  auto countThreads = [&] {
    return std::to_string(sherry_context_threads(makeContext({75, 16}).get()));
  };
  auto printThreads = [&] {
    std::fprintf(stderr, "%s threads", countThreads().c_str());
    std::_Exit(0);
  };
  if (countThreads() == "1")
    GTEST_SKIP() << "one core: a thread that is bound has it, too";
  const std::string expected = "^" + countThreads() + " threads";
  for (const char *bind : {"true", "spread"}) {
    setenv("OMP_PROC_BIND", bind, /*overwrite=*/1);
    EXPECT_EXIT(printThreads(), testing::ExitedWithCode(0), expected);
  }
  unsetenv("OMP_PROC_BIND");
}
