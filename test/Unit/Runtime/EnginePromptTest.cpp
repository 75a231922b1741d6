//===- EnginePromptTest.cpp - What engines tell of prompts ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"
#include "sherry/engine/Scorer.h"

#include <cmath>

using namespace sherry;
using namespace sherry::test;
using namespace sherry::engine;

namespace {

struct Scores {
  std::vector<size_t> places;
  std::vector<double> logprobs;
  std::vector<std::vector<int32_t>> top;
};

class EnginePromptTest : public EngineTest {
protected:
  static Request askForScores(std::vector<int32_t> prompt, size_t from,
                              uint32_t top, Scores &scores, Result &result) {
    Request request = makeRequest(std::move(prompt), 1, result);
    request.promptLogprobs = top;
    request.promptLogprobsFrom = from;
    request.onPromptLogprob = [&](size_t place, const RankedLogprob &score) {
      scores.places.push_back(place);
      scores.logprobs.push_back(score.logprob);
      scores.top.emplace_back();
      for (const TokenLogprob &other : score.top)
        scores.top.back().push_back(other.token);
    };
    return request;
  }

  /// Those that the logits of the prompt give.
  Scores expectedScores(const std::vector<int32_t> &prompt, size_t from,
                        uint32_t top) {
    Scores scores;
    Result result;
    auto engine = makeEngine(1);
    Request request = makeRequest(prompt, 0, result);
    request.onPromptLogits = [&](int64_t index, const float *logits) {
      const auto place = static_cast<size_t>(index) + 1;
      if (place < from || place == prompt.size())
        return;
      const RankedLogprob score = rankLogprob(
          logits, sherry_model_vocab_size(model.get()), prompt[place], top);
      scores.places.push_back(place);
      scores.logprobs.push_back(score.logprob);
      scores.top.emplace_back();
      for (const TokenLogprob &other : score.top)
        scores.top.back().push_back(other.token);
    };
    engine->submit(std::move(request));
    run(*engine);
    return scores;
  }

  static void expectEqual(const Scores &found, const Scores &wanted) {
    EXPECT_EQ(found.places, wanted.places);
    EXPECT_EQ(found.logprobs, wanted.logprobs); // bit for bit
    EXPECT_EQ(found.top, wanted.top);
  }
};

} // namespace

TEST_F(EnginePromptTest, LogprobsAreThoseOfTheLogits) {
  const std::vector<int32_t> prompt = someTokens(90, 1);
  for (size_t from : {1, 2, 64, 70, 89, 90}) {
    auto engine = makeEngine(1);
    Scores scores;
    Result result;
    engine->submit(askForScores(prompt, from, 3, scores, result));
    run(*engine);
    expectEqual(scores, expectedScores(prompt, from, 3));
    EXPECT_EQ(result.tokens, expected(prompt, 1));
  }
}

TEST_F(EnginePromptTest, LogprobsAreKeptWithWhatWasRead) {
  auto engine = makeEngine(1);
  const std::vector<int32_t> prompt = someTokens(90, 1);
  Scores first, same, fewer, longer, more;
  Result result;
  engine->submit(askForScores(prompt, 10, 3, first, result));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 90);
  engine->submit(askForScores(prompt, 10, 3, same, result));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 91);
  EXPECT_EQ(result.end->cached, 89U);
  expectEqual(same, first);
  engine->submit(askForScores(prompt, 20, 1, fewer, result));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 92);
  expectEqual(fewer, expectedScores(prompt, 20, 1));
  std::vector<int32_t> other = prompt;
  other.resize(80);
  other.insert(other.end(), {5, 6, 7});
  engine->submit(askForScores(other, 10, 3, longer, result));
  run(*engine);
  // The last common token gives the logits of the next.
  EXPECT_EQ(engine->prefillSpeed().tokens, 92 + 4);
  expectEqual(longer, expectedScores(other, 10, 3));
  // What nobody has asked for is not known.
  engine->submit(askForScores(prompt, 5, 3, more, result));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 96 + 90 - 4);
  expectEqual(more, expectedScores(prompt, 5, 3));
}

TEST_F(EnginePromptTest, ScoringReadsNoLastToken) {
  auto engine = makeEngine(1, 64);
  std::vector<int32_t> tokens = someTokens(65, 1); // one more than positions
  const Score result = score(*engine, {tokens, 60});
  EXPECT_EQ(engine->prefillSpeed().tokens, 64);
  EXPECT_EQ(result.tokens, 5U);
  double sum = 0;
  for (double part : expectedScores(tokens, 60, 1).logprobs)
    sum += part;
  EXPECT_EQ(result.logLikelihood, sum);
}

TEST_F(EnginePromptTest, WhatRequestsShareIsReadOnce) {
  auto engine = makeEngine(4);
  const std::vector<int32_t> prompt = someTokens(100, 1);
  std::vector<int32_t> other = prompt;
  other[80] = 7;
  Result results[5];
  for (int i = 0; i < 4; ++i)
    engine->submit(makeRequest(i == 3 ? other : prompt, 5, results[i]));
  Request stranger = makeRequest(prompt, 5, results[4]);
  stranger.owner = "stranger";
  engine->submit(std::move(stranger));
  run(*engine);
  // The last token each, and from the first that differs.
  EXPECT_EQ(engine->prefillSpeed().tokens, 100 + 1 + 1 + 20 + 100);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(results[i].tokens, expected(i == 3 ? other : prompt, 5));
}

TEST_F(EnginePromptTest, RepeatsDoNotPushOthersOut) {
  auto engine = makeEngine(1);
  Result result;
  const std::vector<int32_t> prompt = someTokens(100, 1);
  engine->submit(makeRequest(prompt, 0, result));
  run(*engine);
  for (int i = 0; i < 70; ++i) {
    Request request = makeRequest({1, 2, 3}, 1, result);
    request.owner = "x";
    engine->submit(std::move(request));
    run(*engine);
  }
  engine->submit(makeRequest(prompt, 0, result));
  run(*engine);
  EXPECT_EQ(result.end->cached, 99U);
}

// Of tokens that are read in one go or not, together with others or alone.
TEST_F(EnginePromptTest, EmbeddingsArePooledHiddenStates) {
  const std::vector<int32_t> prompt = someTokens(90, 1);
  const uint32_t size = sherry_model_hidden_size(model.get());
  Context context(check(sherry_context_create(model.get(), nullptr)));
  std::vector<double> mean(size), last(size);
  for (int32_t token : prompt) {
    struct Sink {
      std::vector<double> &mean, &last;
    } sink = {mean, last};
    check(sherry_eval(
        context.get(), &token, 1, SHERRY_HIDDEN_ALL,
        [](void *user, int64_t, const float *values) {
          auto &sink = *static_cast<Sink *>(user);
          for (size_t i = 0; i < sink.mean.size(); ++i) {
            sink.mean[i] += values[i];
            sink.last[i] = values[i];
          }
        },
        &sink));
  }
  auto normalise = [](const std::vector<double> &values) {
    double squares = 0;
    for (double value : values)
      squares += value * value;
    std::vector<float> result;
    for (double value : values)
      result.push_back(static_cast<float>(value / std::sqrt(squares)));
    return result;
  };
  auto engine = makeEngine(3);
  std::vector<float> means[2], lasts;
  Result results[4];
  engine->submit(makeRequest(someTokens(20, 2), 30, results[0]));
  auto ask = [&](Pooling pooling, std::vector<float> &embedding, Result &to) {
    Request request = makeRequest(prompt, 0, to);
    request.pooling = pooling;
    request.onEmbedding = [&](const std::vector<float> &values) {
      embedding = values;
    };
    engine->submit(std::move(request));
  };
  ask(Pooling::Mean, means[0], results[1]);
  ask(Pooling::Last, lasts, results[2]);
  run(*engine);
  ask(Pooling::Mean, means[1], results[3]);
  run(*engine);
  EXPECT_EQ(means[0], normalise(mean));
  EXPECT_EQ(means[1], means[0]);
  EXPECT_EQ(lasts, normalise(last));
  EXPECT_EQ(results[2].end->reason, EndReason::Length);
}
