//===- ArenasTest.cpp - Schedules of lambda -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Arenas.h"

#include <gtest/gtest.h>

#include <cmath>

using sherry::training::Arenas;
using Schedule = Arenas::Schedule;

static constexpr Schedule kFading[] = {Schedule::Linear, Schedule::Cosine,
                                       Schedule::Exponential};
static constexpr int64_t kSteps = 1000;

TEST(Arenas, EndsAreExact) {
  for (Schedule schedule : kFading) {
    Arenas arenas(schedule, 0.1, 0.75, 0.95, kSteps);
    EXPECT_EQ(arenas.getLambda(0), 0);
    EXPECT_DOUBLE_EQ(arenas.getLambda(50), 0.375);
    EXPECT_DOUBLE_EQ(arenas.getLambda(100), 0.75);
    EXPECT_GT(arenas.getLambda(949), 0);
    for (int64_t step = 950; step <= kSteps; ++step)
      EXPECT_EQ(arenas.getLambda(step), 0);
  }
}

TEST(Arenas, FallsMonotonously) {
  for (Schedule schedule : kFading) {
    Arenas arenas(schedule, 0.1, 1, 0.95, kSteps);
    for (int64_t step = 101; step <= 950; ++step)
      EXPECT_LT(arenas.getLambda(step), arenas.getLambda(step - 1));
  }
}

TEST(Arenas, Shapes) {
  // Half of the way from 0.1 to 0.9.
  auto atHalf = [](Schedule schedule) {
    return Arenas(schedule, 0.1, 2, 0.9, kSteps).getLambda(500);
  };
  EXPECT_DOUBLE_EQ(atHalf(Schedule::Linear), 1);
  EXPECT_DOUBLE_EQ(atHalf(Schedule::Cosine), 1);
  // (e^-2.5 - e^-5) / (1 - e^-5) = 1 / (e^2.5 + 1)
  EXPECT_NEAR(atHalf(Schedule::Exponential), 2 / (std::exp(2.5) + 1), 1e-12);
  EXPECT_EQ(atHalf(Schedule::Constant), 2);
  EXPECT_EQ(atHalf(Schedule::None), 0);
}

TEST(Arenas, ConstantEndsAtOnce) {
  Arenas arenas(Schedule::Constant, 0, 1, 0.9, kSteps);
  EXPECT_EQ(arenas.getLambda(0), 1);
  EXPECT_EQ(arenas.getLambda(899), 1);
  EXPECT_EQ(arenas.getLambda(900), 0);
}

TEST(Arenas, IsZeroAfterTheLastStepWhateverTheEnd) {
  for (Schedule schedule :
       {Schedule::Linear, Schedule::Cosine, Schedule::Exponential,
        Schedule::Constant, Schedule::None}) {
    Arenas arenas(schedule, 0.1, 1, 1, 7);
    EXPECT_EQ(arenas.getLambda(7), 0);
  }
}

TEST(Arenas, Names) {
  EXPECT_EQ(Arenas::parseSchedule("cosine"), Schedule::Cosine);
  EXPECT_EQ(Arenas::parseSchedule("Cosine"), std::nullopt);
}
