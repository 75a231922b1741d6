//===- EngineTest.cpp - Tests of requests that are answered together ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

#include <random>

using namespace sherry::test;
using namespace sherry::engine;

TEST_F(EngineTest, AnswersOneRequest) {
  auto engine = makeEngine(1);
  Result result;
  engine->submit(makeRequest({1, 2, 3}, 20, result));
  run(*engine);
  EXPECT_EQ(result.tokens, expected({1, 2, 3}, 20));
  ASSERT_TRUE(result.end);
  EXPECT_EQ(result.end->reason, EndReason::Length);
  EXPECT_EQ(engine->prefillSpeed().tokens, 3);
  EXPECT_EQ(engine->decodeSpeed().tokens, 19);
  EXPECT_FALSE(engine->step());
}

// Any mix of requests, of prompts that share beginnings, on any number of
// sequences, with few pages: each gets what it gets alone.
TEST_F(EngineTest, RequestsDoNotMeet) {
  for (uint32_t sequences : {1, 3, 8}) {
    auto engine = makeEngine(sequences, 200, sequences * 4 + 2);
    std::mt19937 random(sequences);
    auto upTo = [&](size_t limit) { return random() % (limit + 1); };
    std::list<Result> results;
    std::vector<std::pair<std::vector<int32_t>, size_t>> asked;
    for (int i = 0; i < 120; ++i) {
      std::vector<int32_t> prompt = someTokens(1 + upTo(100), upTo(3));
      if (!asked.empty() && upTo(1)) {
        const auto &before = asked[upTo(asked.size() - 1)].first;
        prompt.assign(before.begin(),
                      before.begin() + 1 + upTo(before.size() - 1));
        prompt.push_back(static_cast<int32_t>(upTo(261)));
      }
      const size_t count = upTo(200 - prompt.size());
      asked.emplace_back(prompt, count);
      results.emplace_back();
      Request request =
          makeRequest(prompt, static_cast<int64_t>(count), results.back());
      request.logprobs = 2;
      // What is known of a prompt depends on no other request, either.
      if (upTo(1)) {
        request.promptLogprobs = upTo(2);
        request.promptLogprobsFrom = 1 + upTo(prompt.size() - 1);
      }
      request.owner = upTo(1) ? "a" : "b";
      engine->submit(std::move(request));
      for (size_t steps = upTo(10); steps > 0; --steps)
        engine->step();
    }
    run(*engine);
    auto result = results.begin();
    for (const auto &[prompt, count] : asked) {
      ASSERT_EQ(result->tokens, expected(prompt, count));
      ASSERT_EQ(result->logprobs.size(), count);
      ASSERT_TRUE(result->end);
      EXPECT_EQ(result->end->reason, EndReason::Length);
      ++result;
    }
  }
}

TEST_F(EngineTest, WhatWasReadIsNotReadAgain) {
  auto engine = makeEngine(1);
  Result first, second, other;
  const std::vector<int32_t> prompt = someTokens(100, 1);
  engine->submit(makeRequest(prompt, 5, first));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 100);
  std::vector<int32_t> longer = prompt;
  longer.insert(longer.end(), first.tokens.begin(), first.tokens.end());
  longer.push_back(7);
  engine->submit(makeRequest(longer, 5, second));
  run(*engine);
  EXPECT_EQ(second.tokens, expected(longer, 5));
  EXPECT_EQ(engine->prefillSpeed().tokens, 102); // the last token of each
  Request stranger = makeRequest(longer, 5, other);
  stranger.owner = "stranger";
  engine->submit(std::move(stranger));
  run(*engine);
  EXPECT_EQ(other.tokens, second.tokens);
  EXPECT_EQ(engine->prefillSpeed().tokens, 102 + 106);
}

TEST_F(EngineTest, RequestsEndWhenTheyAreCancelled) {
  auto engine = makeEngine(2);
  Result first, second, third;
  const auto one = engine->submit(makeRequest(someTokens(30, 1), -1, first));
  engine->submit(makeRequest(someTokens(40, 2), 12, second));
  const auto waiting = engine->submit(makeRequest({5}, 3, third));
  for (int i = 0; i < 8; ++i)
    engine->step();
  engine->cancel(waiting);
  ASSERT_TRUE(third.end);
  EXPECT_EQ(third.end->reason, EndReason::Cancelled);
  EXPECT_FALSE(third.end->hasReadPrompt);
  engine->cancel(one);
  ASSERT_TRUE(first.end);
  EXPECT_EQ(first.end->reason, EndReason::Cancelled);
  EXPECT_TRUE(first.end->hasReadPrompt);
  EXPECT_EQ(first.tokens, expected(someTokens(30, 1), first.tokens.size()));
  engine->cancel(one); // there is none any more
  run(*engine);
  EXPECT_EQ(second.tokens, expected(someTokens(40, 2), 12));
}

TEST_F(EngineTest, HandlersMayCancelAndSubmit) {
  auto engine = makeEngine(3);
  Result first, second, third;
  Request request = makeRequest(someTokens(3, 1), 30, first);
  const auto other = engine->submit(makeRequest(someTokens(4, 2), -1, second));
  request.onToken = [&, next = request.onToken](const TokenEvent &event) {
    next(event);
    if (first.tokens.size() == 5) {
      engine->cancel(other);
      engine->submit(makeRequest({9, 9}, 4, third));
    }
  };
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_EQ(first.tokens, expected(someTokens(3, 1), 30));
  ASSERT_TRUE(second.end);
  EXPECT_EQ(second.end->reason, EndReason::Cancelled);
  EXPECT_EQ(third.tokens, expected({9, 9}, 4));
}

TEST_F(EngineTest, AFullContextEndsOrForgets) {
  auto engine = makeEngine(1, 20);
  Result ends, forgets;
  engine->submit(makeRequest({1, 2, 3}, -1, ends));
  run(*engine);
  ASSERT_TRUE(ends.end);
  EXPECT_EQ(ends.end->reason, EndReason::ContextFull);
  // The last token that is picked need not be read.
  EXPECT_EQ(ends.tokens, expected({1, 2, 3}, 18));
  Request request = makeRequest({1, 2, 3}, 40, forgets);
  request.contextShift = true;
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_EQ(forgets.end->reason, EndReason::Length);
  ASSERT_EQ(forgets.tokens.size(), 40U);
  // Of 20 positions the first and the younger half of the others are kept.
  std::vector<int32_t> read = {1, 2, 3};
  for (int32_t token : forgets.tokens) {
    while (read.size() > 20) {
      read.erase(read.begin() + 1, read.begin() + 1 + 10);
    }
    ASSERT_EQ(token, demoNext(read, read.size()));
    read.push_back(token);
  }
}

TEST_F(EngineTest, AFailureIsThatOfItsRequest) {
  auto nan = openModel(demoPath("demo-nan"));
  Engine engine(nan.get(), sherry_context_options{100, 0, 1, 2, 0});
  Result good, bad;
  std::string error;
  Request request = makeRequest({7}, 5, bad); // see DemoModel.c
  request.onError = [&](const std::exception &what) { error = what.what(); };
  engine.submit(makeRequest({1, 2}, 3, good));
  engine.submit(std::move(request));
  run(engine);
  EXPECT_EQ(good.tokens, expected({1, 2}, 3));
  EXPECT_CONTAINS(error, "logits are not numbers");
  EXPECT_FALSE(bad.end);
  engine.submit(makeRequest({7}, 5, bad));
  EXPECT_THROW(run(engine), std::runtime_error);
  EXPECT_FALSE(engine.step());
}

TEST_F(EngineTest, ParkedSequencesMakeRoomForOthers) {
  auto engine = makeEngine(1024, 64);
  std::list<Result> results;
  auto ask = [&](int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
      results.emplace_back();
      engine->submit(makeRequest({i % 262, i / 262}, 2, results.back()));
    }
    run(*engine);
  };
  ask(70);
  ask(1024);
  for (const Result &result : results)
    EXPECT_EQ(result.tokens.size(), 2U);
}

TEST_F(EngineTest, WrongRequestsAreRefused) {
  auto engine = makeEngine(1, 100, 1);
  Result result;
  EXPECT_THROW(engine->submit(makeRequest({}, 1, result)), std::runtime_error);
  EXPECT_THROW(engine->submit(makeRequest(someTokens(101, 1), 1, result)),
               std::runtime_error);
  try {
    engine->submit(makeRequest({1, 262}, 1, result));
    ADD_FAILURE() << "262 is no token";
  } catch (const std::runtime_error &error) {
    EXPECT_CONTAINS(error.what(), "token 262 is not in [0, 262)");
  }
  // There is one page, so the context is full before its end.
  EXPECT_EQ(engine->capacity(), 64U);
  EXPECT_THROW(engine->submit(makeRequest(someTokens(65, 1), 1, result)),
               PromptTooLong);
  engine->submit(makeRequest({1}, 70, result));
  run(*engine);
  EXPECT_EQ(result.tokens, expected({1}, 64));
  EXPECT_EQ(result.end->reason, EndReason::ContextFull);
}

TEST_F(EngineTest, WhatCannotBeHadTogetherIsRefused) {
  auto engine = makeEngine(1);
  auto refuse = [&](const std::function<void(Request &)> &change) {
    Result result;
    Request request = makeRequest({1, 2, 3}, 0, result);
    change(request);
    EXPECT_THROW(engine->submit(std::move(request)), std::runtime_error);
  };
  refuse([](Request &request) { request.stops = {"a", ""}; });
  refuse([](Request &request) {
    request.promptLogprobs = 0;
    request.promptLogprobsFrom = 4;
  });
  refuse([](Request &request) {
    request.promptLogprobs = 0;
    request.contextShift = true;
  });
  refuse([](Request &request) {
    request.pooling = Pooling::Mean;
    request.maxTokens = 1;
  });
  refuse([](Request &request) {
    request.pooling = Pooling::Last;
    request.promptLogprobs = 0;
  });
  EXPECT_FALSE(engine->step());
}

// From within a block, too.
TEST_F(EngineTest, HandlersMayCancelOthersAtAnyTime) {
  for (int where = 0; where < 3; ++where) {
    auto engine = makeEngine(2);
    Result first, second;
    const auto victim =
        engine->submit(makeRequest(someTokens(30, 2), -1, second));
    Request request = makeRequest(someTokens(20, 1), 5, first);
    auto cancel = [&] { engine->cancel(victim); };
    if (where == 0)
      request.onPromptLogits = [=](int64_t, const float *) { cancel(); };
    else if (where == 1)
      request.isCancelled = [=] { return cancel(), false; };
    else
      request.onEnd = [=](const EndEvent &) { cancel(); };
    engine->submit(std::move(request));
    run(*engine);
    EXPECT_EQ(first.tokens, expected(someTokens(20, 1), 5));
    ASSERT_TRUE(second.end);
    EXPECT_EQ(second.end->reason, EndReason::Cancelled);
  }
}

TEST_F(EngineTest, HandlersMayNotStep) {
  auto engine = makeEngine(1);
  Result result;
  std::string error;
  Request request = makeRequest({1}, 3, result);
  request.onToken = [&](const TokenEvent &) { engine->step(); };
  request.onError = [&](const std::exception &what) { error = what.what(); };
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_CONTAINS(error, "a handler of a request must not call step()");
}

TEST_F(EngineTest, WhatHandlersThrowLeavesOthersAlone) {
  auto engine = makeEngine(2);
  Result first, second;
  Request request = makeRequest(someTokens(9, 1), 5, first);
  request.onToken = [](const TokenEvent &) {
    throw std::runtime_error("the client has gone");
  };
  engine->submit(std::move(request));
  engine->submit(makeRequest(someTokens(9, 2), 5, second));
  EXPECT_THROW(run(*engine), std::runtime_error);
  run(*engine);
  EXPECT_EQ(second.tokens, expected(someTokens(9, 2), 5));
  EXPECT_GT(engine->prefillSpeed().seconds, 0);
}

TEST_F(EngineTest, WrongTokensThatShortenGivesFailTheirRequest) {
  auto engine = makeEngine(2, 20);
  Result first, second;
  std::string error;
  Request request = makeRequest({1, 2, 3}, -1, first);
  request.contextShift = true;
  request.shorten = [] { return std::vector<int32_t>{999}; };
  request.onError = [&](const std::exception &what) { error = what.what(); };
  engine->submit(std::move(request));
  engine->submit(makeRequest({4, 5}, 15, second));
  run(*engine);
  EXPECT_CONTAINS(error, "token 999 is not in");
  EXPECT_EQ(second.tokens, expected({4, 5}, 15));
}

TEST_F(EngineTest, WhoIsCancelledInTheQueueNeverStarts) {
  auto engine = makeEngine(1);
  Result first, second;
  engine->submit(makeRequest({1, 2, 3}, 4, first));
  Request request = makeRequest(someTokens(50, 2), 4, second);
  request.isCancelled = [] { return true; };
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_EQ(engine->prefillSpeed().tokens, 3);
  ASSERT_TRUE(second.end);
  EXPECT_EQ(second.end->reason, EndReason::Cancelled);
}

TEST_F(EngineTest, IdsAreOfOneRequestEach) {
  auto engine = makeEngine(1);
  Result inner, outer;
  Engine::Id innerId = 0;
  Request request = makeRequest({1, 2}, -1, outer);
  request.onPrompt = [&](int32_t token, std::string_view) {
    if (token == 1)
      innerId = engine->submit(makeRequest({3}, 2, inner));
  };
  const Engine::Id outerId = engine->submit(std::move(request));
  EXPECT_NE(innerId, outerId);
  engine->cancel(outerId);
  EXPECT_TRUE(outer.end);
  run(*engine);
  EXPECT_EQ(inner.tokens, expected({3}, 2));
}

// The demo has a token for each byte.
TEST_F(EngineTest, AnAnswerMayEndACharacterOfThePrompt) {
  for (bool continues : {false, true}) {
    auto engine = makeEngine(1);
    Result result;
    const auto bytes = tokenize(model.get(), "€");
    ASSERT_EQ(bytes.size(), 3U);
    Request request = makeRequest({bytes[0], bytes[1]}, 1, result);
    request.continuesText = continues;
    const sherry_logit_bias bias = {bytes[2], 1000};
    request.sampling.biases = &bias;
    request.sampling.n_biases = 1;
    engine->submit(std::move(request));
    run(*engine);
    EXPECT_EQ(result.text, continues ? "€" : "\xAC");
  }
}
