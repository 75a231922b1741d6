//===- DraftPolicyTest.cpp - Tests of how many tokens are drafted ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With times that are given, not measured.
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/DraftPolicy.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

using namespace sherry::engine;

/// Probabilities of `count` tokens, each of which follows the one before with
/// probability p.
static std::vector<double> chain(double p, size_t count) {
  std::vector<double> result;
  for (size_t i = 1; i <= count; ++i)
    result.push_back(std::pow(p, static_cast<double>(i)));
  return result;
}

namespace {

/// Seconds of a block by its tokens.
using Machine = std::function<double(size_t)>;

double cheap(size_t tokens) {
  return 0.01 * (0.85 + 0.15 * static_cast<double>(tokens));
}
double dear(size_t tokens) { return 0.0105 * static_cast<double>(tokens); }

/// An answer whose drafts of up to 15 tokens are right up to the first of
/// which `isRight` says that it is not.
struct Simulation {
  DraftPolicy policy;
  double seconds = 0;
  size_t tokens = 0, drafted = 0;

  /// Blocks until there are so many more tokens. `p` is what the policy is
  /// told.
  void go(const Machine &machine, double p, size_t count,
          const std::function<bool(size_t)> &isRight) {
    for (const size_t end = tokens + count; tokens < end;) {
      const size_t size = policy.choose(1, chain(p, 15));
      size_t accepted = 0;
      while (accepted < size && isRight(tokens + accepted))
        ++accepted;
      policy.measure(1 + size, machine(1 + size));
      policy.settle(1, size, accepted);
      seconds += machine(1 + size);
      tokens += 1 + accepted;
      drafted += size;
    }
  }
};

bool always(size_t) { return true; }
bool never(size_t) { return false; }

} // namespace

TEST(BlockCosts, SizesBetweenThoseThatAreKnown) {
  BlockCosts costs;
  EXPECT_EQ(costs.estimate(1), 0);
  costs.measure(1, 0.010);
  EXPECT_DOUBLE_EQ(costs.estimate(1), 0.010);
  EXPECT_DOUBLE_EQ(costs.estimate(6), 0.020); // by the shape that is expected
  costs.measure(5, 0.036);
  EXPECT_DOUBLE_EQ(costs.estimate(5), 0.036);
  EXPECT_GT(costs.estimate(3), 0.014);
  EXPECT_LT(costs.estimate(3), 0.028);
  EXPECT_DOUBLE_EQ(costs.estimate(14), 0.072);
  EXPECT_FALSE(costs.isOld(5));
  EXPECT_TRUE(costs.isOld(8));
  for (int i = 0; i < 600; ++i)
    costs.measure(1, 0.010);
  EXPECT_TRUE(costs.isOld(5));
  // One block that was disturbed says little; many, that it is so.
  costs.measure(1, 10);
  EXPECT_LT(costs.estimate(1), 0.012);
  for (int i = 0; i < 200; ++i)
    costs.measure(1, 0.1);
  EXPECT_NEAR(costs.estimate(1), 0.1, 0.01);
}

TEST(Acceptance, FollowsWhatIsSeen) {
  Acceptance acceptance;
  for (size_t match = 1; match < 40; ++match)
    EXPECT_GE(Acceptance::expected(match + 1), Acceptance::expected(match));
  EXPECT_DOUBLE_EQ(acceptance.probability(4, 0.5), 0.5);
  for (int i = 0; i < 100; ++i)
    acceptance.observe(4, true);
  EXPECT_GT(acceptance.probability(4, 0.5), 0.9);
  EXPECT_GT(acceptance.probability(5, 0.5), 0.9); // the same class
  EXPECT_DOUBLE_EQ(acceptance.probability(6, 0.5), 0.5);
  for (int i = 0; i < 100; ++i)
    acceptance.observe(4, false);
  EXPECT_LT(acceptance.probability(4, 0.5), 0.1);
}

TEST(DraftPolicy, DraftsWhatPays) {
  Simulation run;
  run.go(cheap, 0.95, 300, always);
  // 16 tokens for the time of 3.25.
  EXPECT_LT(run.seconds, 300 * 0.01 / 3);
  Simulation costly;
  costly.go(dear, 0.95, 300, always);
  EXPECT_LT(costly.seconds, 300 * dear(1) * 1.02);
}

TEST(DraftPolicy, NothingIsKnownBeforeTheFirstBlock) {
  const DraftPolicy policy;
  EXPECT_EQ(policy.choose(1, chain(0.9, 15)), 0U);
  EXPECT_EQ(policy.choose(0, {}), 0U);
}

TEST(DraftPolicy, DraftsNothingWithoutAChance) {
  Simulation run;
  run.go(cheap, 0.1, 300, never);
  EXPECT_EQ(run.drafted, 0U);
}

// Whatever the estimates say: the loss is a hundredth, and five blocks.
TEST(DraftPolicy, WrongEstimatesCostLittle) {
  for (const Machine &machine : {Machine(cheap), Machine(dear)})
    for (double p : {0.3, 0.6, 0.9, 0.99})
      for (size_t count : {100, 1000, 5000}) {
        Simulation run;
        run.go(machine, p, count, never);
        const double loss =
            run.seconds / machine(1) - static_cast<double>(count);
        EXPECT_LE(loss, 0.011 * static_cast<double>(count) + 5)
            << p << " " << count;
      }
}

TEST(DraftPolicy, ComesBackWhenItPaysAgain) {
  Simulation run;
  run.go(cheap, 0.9, 500, always);
  // Blocks of several tokens get dear for a while, as on a busy machine.
  run.go(dear, 0.9, 2000, always);
  const double before = run.seconds;
  run.go(cheap, 0.9, 3000, always);
  EXPECT_LT(run.seconds - before, 3000 * 0.01 / 2);
}

TEST(DraftPolicy, LargeBlocksHaveNoDrafts) {
  DraftPolicy policy;
  policy.measure(60, 1);
  EXPECT_LE(policy.choose(60, chain(1, 15)), 4U);
  EXPECT_EQ(policy.choose(64, chain(1, 15)), 0U);
  policy.measure(65, 1); // is not kept
  policy.settle(64, 1, 1);
  policy.settle(0, 0, 0);
  EXPECT_EQ(policy.choose(100, chain(1, 15)), 0U);
}
