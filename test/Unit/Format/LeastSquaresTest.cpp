//===- LeastSquaresTest.cpp - Least squares of trits ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/LeastSquares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace sherry::format;
using Numbers = std::vector<float>;
using Trits = std::vector<int8_t>;

static Numbers makeNumbers(size_t count, std::mt19937 &random) {
  std::normal_distribution<float> normal;
  Numbers numbers(count);
  for (float &number : numbers)
    number = normal(random);
  return numbers;
}

static Numbers makeImportance(size_t count, std::mt19937 &random) {
  Numbers numbers = makeNumbers(count, random);
  for (float &number : numbers)
    number = std::exp(number);
  return numbers;
}

/// Error of trits with the scale that is best for them, or with `scale`.
static double errorOf(const Numbers &weights, const Numbers &importance,
                      const Trits &trits, double scale = -1) {
  double product = 0, squares = 0, error = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    product += static_cast<double>(importance[i]) * trits[i] * weights[i];
    squares += static_cast<double>(importance[i]) * trits[i] * trits[i];
  }
  if (scale < 0)
    scale = squares > 0 ? std::max(product / squares, 0.0) : 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    double difference = weights[i] - scale * trits[i];
    error += importance[i] * difference * difference;
  }
  return error;
}

/// The least error of all trits, or of those with one zero in each group.
static double leastError(const Numbers &weights, const Numbers &importance,
                         bool pattern) {
  double least = std::numeric_limits<double>::infinity();
  Trits trits(weights.size());
  auto total = static_cast<int64_t>(std::pow(3, weights.size()));
  for (int64_t number = 0; number < total; ++number) {
    int64_t rest = number, zeros = 0;
    bool matches = true;
    for (size_t i = 0; i < trits.size(); ++i, rest /= 3) {
      trits[i] = static_cast<int8_t>(rest % 3 - 1);
      zeros += trits[i] == 0;
      if (i % 4 == 3) {
        matches &= zeros == 1;
        zeros = 0;
      }
    }
    if (matches || !pattern)
      least = std::min(least, errorOf(weights, importance, trits));
  }
  return least;
}

TEST(LeastSquaresTest, OfEqualImportancesIsTheLeastError) {
  std::mt19937 random(3);
  const Numbers ones(8, 1);
  for (int round = 0; round < 20; ++round) {
    Numbers weights = makeNumbers(8, random);
    Trits trits(8);
    float scale =
        quantizePattern(weights.data(), nullptr, 8, false, trits.data());
    EXPECT_NEAR(errorOf(weights, ones, trits, scale),
                leastError(weights, ones, /*pattern=*/true), 1e-5);
    scale = quantizeTernary(weights.data(), nullptr, 8, trits.data());
    EXPECT_NEAR(errorOf(weights, ones, trits, scale),
                leastError(weights, ones, /*pattern=*/false), 1e-5);
  }
}

TEST(LeastSquaresTest, ImportanceLowersTheErrorThatCounts) {
  std::mt19937 random(4);
  double plain = 0, weighted = 0, least = 0;
  for (int round = 0; round < 20; ++round) {
    Numbers weights = makeNumbers(8, random);
    Numbers importance = makeImportance(8, random);
    Trits trits(8);
    float scale =
        quantizePattern(weights.data(), nullptr, 8, false, trits.data());
    double before = errorOf(weights, importance, trits, scale);
    scale = quantizePattern(weights.data(), importance.data(), 8, false,
                            trits.data());
    double after = errorOf(weights, importance, trits, scale);
    EXPECT_LE(after, before + 1e-5);
    plain += before;
    weighted += after;
    least += leastError(weights, importance, /*pattern=*/true);
  }
  EXPECT_LT(weighted, 0.9 * plain);
  EXPECT_LT(weighted, 1.1 * least);
}

TEST(LeastSquaresTest, WhatIsOnTheGridStays) {
  std::mt19937 random(5);
  for (bool strided : {false, true}) {
    constexpr float scale = 0.123046875F; // an f16
    Trits trits(256);
    for (int group = 0; group < 64; ++group) {
      int first = strided ? group / 16 * 64 + group % 16 : 4 * group;
      int zero = static_cast<int>(random() % 4);
      for (int lane = 0; lane < 4; ++lane)
        trits[first + lane * (strided ? 16 : 1)] =
            static_cast<int8_t>(lane == zero   ? 0
                                : random() % 2 ? 1
                                               : -1);
    }
    Numbers weights(256), importance = makeImportance(256, random);
    for (int i = 0; i < 256; ++i)
      weights[i] = scale * static_cast<float>(trits[i]);
    for (bool weighted : {false, true}) {
      const float *important = weighted ? importance.data() : nullptr;
      Trits fitted(256);
      EXPECT_EQ(quantizePattern(weights.data(), important, 256, strided,
                                fitted.data()),
                scale);
      EXPECT_EQ(fitted, trits);
      EXPECT_EQ(quantizeTernary(weights.data(), important, 256, fitted.data()),
                scale);
      EXPECT_EQ(fitted, trits);
    }
  }
}

TEST(LeastSquaresTest, ZerosHaveSigns) {
  Numbers weights(8, 0);
  Trits trits(8);
  EXPECT_EQ(quantizePattern(weights.data(), nullptr, 8, false, trits.data()),
            0);
  EXPECT_EQ(trits, (Trits{0, 1, 1, 1, 0, 1, 1, 1}));
  EXPECT_EQ(quantizeTernary(weights.data(), nullptr, 8, trits.data()), 0);
  EXPECT_EQ(trits, Trits(8, 0));
}
