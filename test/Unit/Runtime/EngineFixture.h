//===- EngineFixture.h - Requests for tests ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_UNITTESTS_ENGINEFIXTURE_H
#define SHERRY_UNITTESTS_ENGINEFIXTURE_H

#include "TestSupport.h"
#include "sherry/engine/Engine.h"

namespace sherry::test {

/// What a request gets.
struct Result {
  std::vector<int32_t> tokens;
  std::vector<double> logprobs;
  std::string text;
  std::optional<engine::EndEvent> end;
};

class EngineTest : public testing::Test {
protected:
  std::unique_ptr<engine::Engine>
  makeEngine(uint32_t sequences, uint32_t context = 200, uint32_t pages = 0) {
    return std::make_unique<engine::Engine>(
        model.get(), sherry_context_options{context, 0, 1, sequences, pages});
  }

  static engine::Request makeRequest(std::vector<int32_t> prompt,
                                     int64_t maxTokens, Result &result) {
    engine::Request request;
    request.prompt = std::move(prompt);
    request.maxTokens = maxTokens;
    request.ignoreEos = true;
    request.onToken = [&](const engine::TokenEvent &event) {
      result.tokens.push_back(event.token);
      result.text += event.text;
      if (event.logprob)
        result.logprobs.push_back(event.logprob->logprob);
    };
    request.onEnd = [&](const engine::EndEvent &event) {
      result.text += event.rest;
      result.end = event;
    };
    return request;
  }

  static void run(engine::Engine &engine) { engine.run(); }

  /// What the demo model answers by its rule.
  static std::vector<int32_t> expected(std::vector<int32_t> tokens,
                                       size_t count) {
    std::vector<int32_t> result;
    for (; result.size() < count; tokens.push_back(result.back()))
      result.push_back(demoNext(tokens, tokens.size()));
    return result;
  }

  ModelPtr model = openModel(demoPath());
};

inline std::vector<int32_t> someTokens(size_t count, int32_t first) {
  std::vector<int32_t> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(static_cast<int32_t>((first + i * 53) % 262));
  return result;
}

} // namespace sherry::test

#endif // SHERRY_UNITTESTS_ENGINEFIXTURE_H
