//===- EngineStopTest.cpp - Texts that end answers ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// llama.cpp 9867, 13785, 15007; SwiftLM 126; vLLM's detokenizer: parts of a
// stop text leak into streams, or text before it is lost.
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

using namespace sherry;
using namespace sherry::test;
using namespace sherry::engine;

namespace {

constexpr int64_t kTokens = 60;

class EngineStopTest : public EngineTest {
protected:
  /// An answer in pieces, as they come.
  struct Pieces {
    std::vector<std::string> texts;
    std::optional<EndEvent> end;
    std::string join() const {
      std::string all;
      for (const std::string &text : texts)
        all += text;
      return all;
    }
  };

  Pieces answer(std::vector<std::string> stops, size_t cancelAfter = 1000) {
    auto engine = makeEngine(1);
    Pieces pieces;
    Request request;
    request.prompt = {3};
    request.maxTokens = kTokens;
    request.ignoreEos = true;
    request.stops = std::move(stops);
    request.onToken = [&](const TokenEvent &event) {
      pieces.texts.push_back(event.text);
    };
    request.onEnd = [&](const EndEvent &event) {
      pieces.texts.push_back(event.rest);
      pieces.end = event;
    };
    request.isCancelled = [&] { return pieces.texts.size() >= cancelAfter; };
    engine->submit(std::move(request));
    engine->run();
    return pieces;
  }

  /// Whether no piece says what does not belong to the answer.
  static void expectPieces(const Pieces &pieces, const std::string &text) {
    std::string said;
    for (const std::string &piece : pieces.texts) {
      said += piece;
      ASSERT_EQ(said, text.substr(0, said.size()));
    }
    EXPECT_EQ(said, text);
  }
};

} // namespace

TEST_F(EngineStopTest, EveryPartOfAnAnswerCanEndIt) {
  const std::string whole = answer({}).join();
  ASSERT_GT(whole.size(), 60U);
  for (size_t begin = 0; begin < whole.size(); ++begin)
    for (size_t size : {1, 2, 3, 7, 20}) {
      const std::string stop = whole.substr(begin, size);
      const Pieces pieces = answer({stop, stop + "?"});
      EXPECT_EQ(pieces.end->reason, EndReason::Stop);
      expectPieces(pieces, whole.substr(0, whole.find(stop)));
    }
}

TEST_F(EngineStopTest, WhatOnlyBeginsAsAStopBelongsToTheAnswer) {
  const std::string whole = answer({}).join();
  for (size_t begin = 0; begin < whole.size(); ++begin) {
    const Pieces pieces = answer({whole.substr(begin) + "?"});
    EXPECT_EQ(pieces.end->reason, EndReason::Length);
    expectPieces(pieces, whole);
  }
  // Where a client leaves, too: what is held back is said at the end.
  for (size_t count = 1; count < kTokens; ++count) {
    const std::string part = answer({}, count).join();
    const Pieces pieces = answer({part + "?", whole + "?"}, count);
    EXPECT_EQ(pieces.end->reason, EndReason::Cancelled);
    EXPECT_EQ(pieces.join(), part);
  }
}
