//===- EngineShareTest.cpp - Who gets what of a block ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of the demo model a block has 16 tokens.
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

using namespace sherry;
using namespace sherry::test;
using namespace sherry::engine;

// llama.cpp 29175: a long prompt stops the streams of others for half a minute.
TEST_F(EngineTest, ALongPromptDelaysOthersByABlock) {
  auto engine = makeEngine(9, 1000);
  Result others[8], late;
  for (int i = 0; i < 8; ++i)
    engine->submit(makeRequest({i + 1}, 200, others[i]));
  engine->step();
  engine->submit(makeRequest(someTokens(900, 9), 1, late));
  size_t steps = 1;
  while (!late.end) {
    engine->step();
    ++steps;
    for (const Result &other : others)
      ASSERT_EQ(other.tokens.size(), steps); // one each, in every block
  }
  EXPECT_EQ(steps, 1 + (900 + 7) / 8); // the other 8 of each block
  run(*engine);
  EXPECT_EQ(late.tokens, expected(someTokens(900, 9), 1));
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(others[i].tokens, expected({i + 1}, 200));
}

// llama.cpp 6607, 14343; vLLM 10774: short prompts wait for the long one that
// came before them.
TEST_F(EngineTest, ShortPromptsDoNotWaitForALongOne) {
  auto engine = makeEngine(11, 1000);
  Result first, others[10];
  engine->submit(makeRequest(someTokens(900, 9), 1, first));
  engine->step();
  for (int i = 0; i < 10; ++i)
    engine->submit(makeRequest(someTokens(32, i + 10), 1, others[i]));
  auto areAnswered = [&] {
    return std::all_of(std::begin(others), std::end(others),
                       [](const Result &other) { return other.end; });
  };
  size_t steps = 0;
  for (; !areAnswered(); ++steps)
    engine->step();
  // All of them have 20 blocks; the long one has its share of each.
  EXPECT_LE(steps, 24U);
  EXPECT_FALSE(first.end);
  run(*engine);
  EXPECT_EQ(first.tokens, expected(someTokens(900, 9), 1));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(others[i].tokens, expected(someTokens(32, i + 10), 1));
}
