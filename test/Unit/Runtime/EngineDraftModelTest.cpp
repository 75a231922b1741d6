//===- EngineDraftModelTest.cpp - Drafts by a smaller model ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

using namespace sherry::test;
using namespace sherry::engine;

namespace {

class EngineDraftModelTest : public EngineTest {
protected:
  /// An engine whose model drafts for itself, as much as there is room for.
  std::unique_ptr<Engine> makeDrafting(uint32_t sequences) {
    auto engine = makeEngine(sequences);
    engine->setDrafts({15, /*adapts=*/false, model.get()});
    return engine;
  }
};

} // namespace

// It drafts with the random numbers of the answer.
TEST_F(EngineDraftModelTest, AModelDraftsWhatItWouldPick) {
  for (float temperature : {0.0F, 1.0F}) {
    const auto engine = makeDrafting(2);
    Result results[2];
    for (Result &result : results) {
      Request request =
          makeRequest(someTokens(30, &result - results), 49, result);
      request.sampling.temperature = temperature;
      request.sampling.presence_penalty = 0.5F;
      engine->submit(std::move(request));
    }
    run(*engine);
    const auto &counts = engine->draftCounts();
    EXPECT_EQ(counts.accepted, counts.drafted);
    EXPECT_GT(counts.accepted, 60);
    const auto plain = makeEngine(1);
    plain->setDrafts({0, false, nullptr});
    for (Result &result : results) {
      Result alone;
      Request request =
          makeRequest(someTokens(30, &result - results), 49, alone);
      request.sampling.temperature = temperature;
      request.sampling.presence_penalty = 0.5F;
      plain->submit(std::move(request));
      run(*plain);
      EXPECT_EQ(result.tokens, alone.tokens);
    }
  }
}

// It reads what has been before, as far as it has room.
TEST_F(EngineDraftModelTest, AModelReadsLongPromptsInParts) {
  const auto engine = makeDrafting(1);
  Result result;
  const std::vector<int32_t> prompt = someTokens(100, 5);
  engine->submit(makeRequest(prompt, 50, result));
  run(*engine);
  EXPECT_EQ(result.tokens, expected(prompt, 50));
  EXPECT_GT(result.end->drafts.accepted, 20);
}

// Texts go on from what the model has read of texts that have ended.
TEST_F(EngineDraftModelTest, AModelReadsTheSameBeginningOnce) {
  const auto engine = makeDrafting(2);
  const std::vector<int32_t> prompt = someTokens(100, 5);
  auto draftedFor = [&](const std::string &owner, int32_t end) {
    Result result;
    std::vector<int32_t> longer = prompt;
    longer.push_back(end);
    Request request = makeRequest(longer, 20, result);
    request.owner = owner;
    engine->submit(std::move(request));
    run(*engine);
    EXPECT_EQ(result.tokens, expected(longer, 20));
    return result.end->drafts.accepted;
  };
  const int64_t first = draftedFor("a", 1);
  EXPECT_GT(draftedFor("a", 2), first);
  EXPECT_EQ(draftedFor("b", 3), first); // knows nothing of the others' texts
}

// A text that only begins like another leaves the other's tokens alone.
TEST_F(EngineDraftModelTest, ATextThatHasEndedIsKeptForThoseThatGoOnFromIt) {
  const auto engine = makeDrafting(3);
  auto draftedFor = [&](std::vector<int32_t> prompt) {
    Result result;
    engine->submit(makeRequest(prompt, 20, result));
    run(*engine);
    EXPECT_EQ(result.tokens, expected(prompt, 20));
    return result.end->drafts.accepted;
  };
  const std::vector<int32_t> prompt = someTokens(100, 5);
  std::vector<int32_t> other(prompt.begin(), prompt.begin() + 10);
  other.push_back(1);
  draftedFor(prompt);
  draftedFor(other);
  std::vector<int32_t> longer = prompt;
  longer.push_back(2);
  const int64_t kept = draftedFor(longer);
  const auto fresh = makeDrafting(3);
  Result result;
  fresh->submit(makeRequest(longer, 20, result));
  run(*fresh);
  EXPECT_GT(kept, result.end->drafts.accepted);
}

// Where pages are short, drafts are few, and answers are the same.
TEST_F(EngineDraftModelTest, AModelHasThePagesThatTheContextHas) {
  const auto engine = makeEngine(4, 200, 9);
  engine->setDrafts({15, /*adapts=*/false, model.get()});
  std::vector<Result> results(12);
  for (Result &result : results)
    engine->submit(
        makeRequest(someTokens(70, &result - results.data()), 50, result));
  run(*engine);
  for (Result &result : results)
    EXPECT_EQ(result.tokens,
              expected(someTokens(70, &result - results.data()), 50));
  EXPECT_GT(engine->draftCounts().accepted, 100);
}

TEST_F(EngineDraftModelTest, AModelOfOtherTokensIsRefused) {
  const auto engine = makeEngine(1);
  auto refusal = [&](const char *name) -> std::string {
    const auto other = openModel(demoPath(name));
    try {
      engine->setDrafts({4, true, other.get()});
    } catch (const std::runtime_error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal("demo-few-tokens"),
            "the draft model has 100 tokens, the model 262; a draft model must "
            "have the same vocabulary");
  EXPECT_EQ(refusal("demo-other-tokens"),
            "token 100 of the draft model differs from the model's; a "
            "draft model must have the same vocabulary");
  EXPECT_EQ(refusal("demo-other"), "");
  EXPECT_EQ(refusal("demo-no-tokenizer"), "");
}
