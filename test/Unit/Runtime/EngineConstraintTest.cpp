//===- EngineConstraintTest.cpp - Tokens that an answer may have ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EngineFixture.h"

using namespace sherry::test;
using namespace sherry::engine;

namespace {

/// Tokens that rise, up to a last one.
class Rising : public Constraint {
public:
  Rising(uint32_t vocabSize, int32_t last)
      : bits((vocabSize + 31) / 32), last(last) {}
  bool accepts(int32_t token) const override {
    return token > highest && token <= last;
  }
  const uint32_t *mask() override {
    ++masks;
    std::fill(bits.begin(), bits.end(), 0);
    for (int32_t token = highest + 1; token <= last; ++token)
      bits[static_cast<size_t>(token) / 32] |= 1U << (token % 32);
    return bits.data();
  }
  void advance(int32_t token) override { highest = token; }
  bool mustEnd() const override { return highest == last; }

  size_t masks = 0;

private:
  std::vector<uint32_t> bits;
  int32_t highest = -1, last;
};

} // namespace

TEST_F(EngineTest, AnAnswerHasTheTokensThatItMayHave) {
  const uint32_t vocabSize = sherry_model_vocab_size(model.get());
  auto engine = makeEngine(2);
  Result free, bound;
  engine->submit(makeRequest({1, 2, 3}, 20, free));
  Request request = makeRequest({1, 2, 3}, -1, bound);
  request.sampling.temperature = 1;
  request.sampling.seed = 7;
  const auto constraint = std::make_shared<Rising>(vocabSize, 200);
  request.constraint = constraint;
  engine->submit(std::move(request));
  run(*engine);
  EXPECT_EQ(free.tokens, expected({1, 2, 3}, 20));
  ASSERT_FALSE(bound.tokens.empty());
  EXPECT_TRUE(std::is_sorted(bound.tokens.begin(), bound.tokens.end()));
  EXPECT_EQ(bound.tokens.back(), 200);
  EXPECT_GT(constraint->masks, 0U);
  ASSERT_TRUE(bound.end);
  EXPECT_EQ(bound.end->reason, EndReason::Eos);
}
