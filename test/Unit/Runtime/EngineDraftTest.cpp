//===- EngineDraftTest.cpp - Drafts change no answer ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Requests of all kinds, with drafts that are right, wrong, too long or none,
// against the same requests alone in an engine without drafts.
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

#include <random>

using namespace sherry::test;
using namespace sherry::engine;

namespace {

/// Tokens of few kinds that follow each other by a rule, up to a length.
class Steps : public Constraint {
public:
  Steps(uint32_t vocabSize, size_t length)
      : bits((vocabSize + 31) / 32), length(length) {}
  bool accepts(int32_t token) const override {
    return token % 3 == last % 3 + (last % 3 == 2 ? -2 : 1);
  }
  const uint32_t *mask() override {
    std::fill(bits.begin(), bits.end(), 0);
    for (int32_t token = 0; token < 262; ++token)
      if (accepts(token))
        bits[static_cast<size_t>(token) / 32] |= 1U << (token % 32);
    return bits.data();
  }
  void advance(int32_t token) override {
    EXPECT_TRUE(accepts(token));
    last = token;
    ++count;
  }
  bool mustEnd() const override { return count == length; }

private:
  std::vector<uint32_t> bits;
  int32_t last = 2;
  size_t count = 0, length;
};

/// What may be asked, by a number.
struct Ask {
  std::vector<int32_t> prompt;
  int64_t maxTokens;
  sherry_sampler_options sampling = greedySampling();
  std::vector<sherry_logit_bias> biases;
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens;
  bool ignoreEos, contextShift;
  std::optional<uint32_t> logprobs, promptLogprobs;
  size_t promptLogprobsFrom = 1;
  size_t constrained = 0; ///< tokens; 0: not at all
  size_t cancelAfter = 0; ///< tokens; 0: never

  explicit Ask(uint32_t seed) {
    std::mt19937 random(seed);
    auto upTo = [&](size_t limit) { return random() % (limit + 1); };
    for (size_t i = 1 + upTo(60); i > 0; --i)
      prompt.push_back(static_cast<int32_t>(upTo(upTo(1) ? 261 : 2)));
    maxTokens = upTo(9) == 0 ? -1 : static_cast<int64_t>(upTo(70));
    sampling.temperature = std::array{0.0F, 0.3F, 1.0F, 3.0F}[upTo(3)];
    sampling.seed = seed;
    sampling.top_k = upTo(1) ? 0 : 1 + upTo(8);
    sampling.top_p = upTo(1) ? 1 : 0.9F;
    if (upTo(3) == 0)
      sampling.repetition_penalty = 1.3F;
    if (upTo(3) == 0)
      sampling.presence_penalty = 0.7F;
    if (upTo(3) == 0)
      sampling.frequency_penalty = 0.2F;
    sampling.penalty_last_n = 1 + upTo(40);
    // Few tokens: the text repeats itself.
    if (upTo(1))
      for (size_t i = 1 + upTo(2); i > 0; --i)
        biases.push_back({static_cast<int32_t>(97 + upTo(4)), 60});
    if (upTo(3) == 0)
      stops = {"ab", "cc", "dea"};
    if (upTo(3) == 0)
      endTokens = {98};
    ignoreEos = upTo(1);
    contextShift = upTo(4) == 0;
    if (contextShift) // else it need not end
      maxTokens = static_cast<int64_t>(upTo(250));
    if (upTo(2) == 0)
      logprobs = upTo(3);
    if (upTo(4) == 0)
      constrained = 1 + upTo(40);
    if (upTo(5) == 0)
      cancelAfter = 1 + upTo(20);
    if (upTo(4) == 0 && prompt.size() > 1 && !contextShift) {
      promptLogprobs = upTo(3);
      promptLogprobsFrom = 1 + upTo(prompt.size() - 2);
    }
  }

  Request make(uint32_t vocabSize, Result &result) const {
    Request request;
    request.prompt = prompt;
    request.maxTokens = maxTokens;
    request.sampling = sampling;
    request.sampling.biases = biases.data();
    request.sampling.n_biases = biases.size();
    request.stops = stops;
    request.endTokens = endTokens;
    request.ignoreEos = ignoreEos;
    request.contextShift = contextShift;
    request.logprobs = logprobs;
    request.promptLogprobs = promptLogprobs;
    request.promptLogprobsFrom = promptLogprobsFrom;
    request.onPromptLogprob = [&result](size_t, const RankedLogprob &scores) {
      result.logprobs.push_back(scores.logprob);
    };
    if (constrained > 0)
      request.constraint = std::make_shared<Steps>(vocabSize, constrained);
    request.onToken = [&result](const TokenEvent &event) {
      ASSERT_FALSE(result.end);
      result.tokens.push_back(event.token);
      result.text += event.text + "|";
      if (event.logprob)
        result.logprobs.push_back(event.logprob->logprob);
    };
    request.onEnd = [&result](const EndEvent &event) {
      result.text += event.rest;
      result.end = event;
    };
    if (cancelAfter > 0)
      request.isCancelled = [this, &result] {
        return result.tokens.size() >= cancelAfter;
      };
    return request;
  }
};

/// Drafts what the answer will be, or something else, up to too many tokens.
struct Script {
  std::mt19937 random;
  const std::vector<int32_t> &answer; ///< all of it
  const Result &result;               ///< what there is of it

  std::vector<int32_t> draft(size_t most) {
    std::vector<int32_t> tokens;
    const size_t size = random() % (most + 4);
    const uint32_t wrong = std::array{2U, 10U, 1000U}[random() % 3];
    for (size_t i = result.tokens.size(); tokens.size() < size; ++i) {
      const bool isRight = i < answer.size() && random() % wrong != 0;
      tokens.push_back(isRight ? answer[i]
                               : static_cast<int32_t>(random() % 270) - 4);
    }
    return tokens;
  }
};

bool isSame(const Result &a, const Result &b) {
  return a.tokens == b.tokens && a.text == b.text && a.logprobs == b.logprobs &&
         a.end && b.end && a.end->reason == b.end->reason &&
         a.end->rest == b.end->rest;
}

class EngineDraftTest : public EngineTest {
protected:
  std::unique_ptr<Engine> makeEngine(const DraftOptions &drafts,
                                     uint32_t sequences, uint32_t threads) {
    auto engine = std::make_unique<Engine>(
        model.get(),
        sherry_context_options{150, 0, threads, sequences, sequences * 4});
    engine->setDrafts(drafts);
    return engine;
  }
  const uint32_t vocabSize = sherry_model_vocab_size(model.get());
};

} // namespace

TEST_F(EngineDraftTest, AnswersAreTheSame) {
  const uint32_t count = std::getenv("SHERRY_TEST_ALL") ? 10000 : 400;
  std::vector<Ask> asks;
  std::vector<Result> alone(count);
  for (uint32_t i = 0; i < count; ++i)
    asks.emplace_back(i);
  for (uint32_t i = 0; i < count; ++i) {
    const auto engine = makeEngine({0, false, nullptr}, 1, 1);
    engine->submit(asks[i].make(vocabSize, alone[i]));
    run(*engine);
    EXPECT_EQ(engine->draftCounts().drafted, 0);
  }
  const auto other = openModel(demoPath("demo-other"));
  int64_t accepted = 0, rejected = 0;
  for (uint32_t slots : {1, 4, 16})
    for (uint32_t threads : {1, 2}) {
      // Threads that wait for each other take long on a busy machine.
      const uint32_t count = threads == 1 ? asks.size() : asks.size() / 20;
      // A model that is right, one that is wrong, and none.
      const sherry_model *models[] = {nullptr, model.get(), other.get()};
      const auto engine =
          makeEngine({15, /*adapts=*/false, models[(slots + threads) % 3]},
                     slots, threads);
      std::mt19937 random(slots + threads);
      std::vector<Result> results(count);
      std::list<Script> scripts;
      for (uint32_t i = 0; i < count; ++i) {
        Request request = asks[i].make(vocabSize, results[i]);
        if (i % 3 != 0) {
          scripts.push_back({random, alone[i].tokens, results[i]});
          random.discard(1000);
          request.draft = [&script = scripts.back()](
                              const std::vector<int32_t> &, size_t most) {
            return script.draft(most);
          };
        }
        engine->submit(std::move(request));
        for (size_t steps = random() % 4; steps > 0; --steps)
          engine->step();
      }
      run(*engine);
      for (uint32_t i = 0; i < count; ++i)
        ASSERT_TRUE(isSame(results[i], alone[i])) << i << " of " << slots;
      accepted += engine->draftCounts().accepted;
      rejected +=
          engine->draftCounts().drafted - engine->draftCounts().accepted;
    }
  EXPECT_GT(accepted, 10 * count);
  EXPECT_GT(rejected, 10 * count);
}

// As users run it: the text drafts, time decides how much.
TEST_F(EngineDraftTest, AnswersDoNotDependOnTime) {
  const uint32_t count = 100;
  const auto engine = makeEngine({}, 4, 1);
  std::vector<Result> alone(count), results(count);
  std::vector<Ask> asks;
  for (uint32_t i = 0; i < count; ++i)
    asks.emplace_back(i);
  for (uint32_t i = 0; i < count; ++i) {
    const auto plain = makeEngine({0, false, nullptr}, 1, 1);
    plain->submit(asks[i].make(vocabSize, alone[i]));
    run(*plain);
    engine->submit(asks[i].make(vocabSize, results[i]));
  }
  run(*engine);
  for (uint32_t i = 0; i < count; ++i)
    ASSERT_TRUE(isSame(results[i], alone[i])) << i;
}

// A text that repeats itself takes a block for many tokens.
TEST_F(EngineDraftTest, TheTextDraftsWhatItHasSaidBefore) {
  const auto engine = makeEngine({15, /*adapts=*/false, nullptr}, 1, 1);
  Result result;
  Request request = makeRequest({1, 2, 65, 65}, 97, result);
  const sherry_logit_bias bias = {65, 1000};
  request.sampling.biases = &bias;
  request.sampling.n_biases = 1;
  engine->submit(std::move(request));
  size_t blocks = 1;
  while (engine->step())
    ++blocks;
  EXPECT_EQ(result.tokens, std::vector<int32_t>(97, 65));
  EXPECT_EQ(blocks, 1U + 6); // the prompt gives a token, each block 16
  EXPECT_EQ(result.end->drafts.drafted, 6 * 15);
  EXPECT_EQ(result.end->drafts.accepted, 6 * 15);
  EXPECT_EQ(engine->decodeSpeed().tokens, 96);
}

// What was not picked is not taken for read.
TEST_F(EngineDraftTest, WrongDraftsAreNotReadByOthers) {
  const auto engine = makeEngine({15, false, nullptr}, 1, 1);
  const std::vector<int32_t> prompt = someTokens(60, 1);
  const std::vector<int32_t> answer = expected(prompt, 8);
  Result first, second;
  Request request = makeRequest(prompt, 8, first);
  request.draft = [&](const std::vector<int32_t> &, size_t most) {
    const size_t at = first.tokens.size();
    std::vector<int32_t> tokens(answer.begin() + static_cast<ptrdiff_t>(at),
                                answer.end());
    if (tokens.size() > 2)
      tokens[2] ^= 1;
    tokens.resize(most, 17);
    return tokens;
  };
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_EQ(first.tokens, answer);
  EXPECT_GT(first.end->drafts.accepted, 0);
  EXPECT_GT(first.end->drafts.drafted, first.end->drafts.accepted);
  // The same beginning, and then what was drafted.
  std::vector<int32_t> longer = prompt;
  longer.insert(longer.end(), answer.begin(), answer.begin() + 3);
  longer.insert(longer.end(), {answer[3] ^ 1, 17, 17, 17, 17, 17});
  engine->submit(makeRequest(longer, 5, second));
  run(*engine);
  EXPECT_EQ(second.tokens, expected(longer, 5));
  EXPECT_EQ(second.end->cached, prompt.size() + 3);
}

TEST_F(EngineDraftTest, APromptIsReadBeforeDraftsAre) {
  const auto engine = makeEngine({15, false, nullptr}, 2, 1);
  Result first, second;
  const std::vector<int32_t> prompt = someTokens(90, 2);
  Request request = makeRequest({1, 2, 3}, 60, first);
  std::vector<size_t> sizes;
  request.draft = [&](const std::vector<int32_t> &, size_t most) {
    return std::vector<int32_t>(most, 7);
  };
  engine->submit(std::move(request));
  engine->step();
  engine->submit(makeRequest(prompt, 1, second));
  const int64_t before = engine->draftCounts().drafted;
  for (int block = 0; block < 6; ++block) { // of 15 and a token
    EXPECT_FALSE(second.end);
    engine->step();
    EXPECT_EQ(engine->draftCounts().drafted, before);
  }
  EXPECT_TRUE(second.end);
  run(*engine);
  EXPECT_GT(engine->draftCounts().drafted, before);
  EXPECT_EQ(first.tokens, expected({1, 2, 3}, 60));
}

TEST_F(EngineDraftTest, WhatADraftThrowsLeavesOthersAlone) {
  const auto engine = makeEngine({15, false, nullptr}, 2, 1);
  Result first, second;
  std::string error;
  Request request = makeRequest({1, 2, 3}, 10, first);
  request.draft = [](const std::vector<int32_t> &,
                     size_t) -> std::vector<int32_t> {
    throw std::runtime_error("no idea");
  };
  request.onError = [&](const std::exception &what) { error = what.what(); };
  engine->submit(std::move(request));
  engine->submit(makeRequest({4, 5}, 10, second));
  run(*engine);
  EXPECT_EQ(error, "no idea");
  EXPECT_EQ(second.tokens, expected({4, 5}, 10));
}

// Its random numbers are those that it would have without drafts.
TEST_F(EngineDraftTest, ASamplerOfManyRequestsGoesOn) {
  std::vector<int32_t> tokens[2];
  for (bool drafts : {false, true}) {
    const auto engine =
        makeEngine({drafts ? size_t{15} : 0, false, nullptr}, 1, 1);
    sherry_sampler_options sampling = greedySampling();
    sampling.temperature = 1;
    const std::shared_ptr<sherry_sampler> sampler(
        sherry::check(sherry_sampler_create(&sampling)),
        sherry_sampler_destroy);
    for (int i = 0; i < 20; ++i) {
      Result result;
      Request request = makeRequest({i, 97, 98}, 30, result);
      request.sampler = sampler;
      request.ignoreEos = false;
      request.endTokens = {100, 150, 200};
      engine->submit(std::move(request));
      run(*engine);
      tokens[drafts].insert(tokens[drafts].end(), result.tokens.begin(),
                            result.tokens.end());
    }
  }
  EXPECT_EQ(tokens[0], tokens[1]);
}
