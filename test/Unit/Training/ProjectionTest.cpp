//===- ProjectionTest.cpp - Quantizers of training ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Projection.h"
#include "sherry/Format/Float16.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

using namespace sherry;
using namespace sherry::training;
using format::Granularity;
using testing::HasSubstr;

namespace {
struct Kind {
  QuantizerKind kind;
  const format::Codebook *codebook = &format::k3of4;
};
} // namespace

static constexpr Kind k3of4 = {QuantizerKind::Sherry, &format::k3of4};
static constexpr Kind k2of6 = {QuantizerKind::Sherry, &format::k2of6};
static constexpr Kind kDense = {QuantizerKind::Sherry, &format::kDense};
static constexpr Kind kBinary = {QuantizerKind::Binary};
static constexpr Kind kQuantizers[] = {k3of4, k2of6, kDense, kBinary};
static constexpr Granularity kGranularities[] = {
    Granularity::PerTensor, Granularity::PerChannel, Granularity::PerGroup};

static Projection make(const Kind &kind, Granularity granularity,
                       int64_t groupSize = 128) {
  Projection projection;
  projection.kind = kind.kind;
  projection.codebook = kind.codebook;
  projection.granularity = granularity;
  projection.groupSize = groupSize;
  return projection;
}

/// Few values, so that there are ties, zeros and negative zeros.
static std::vector<float> makeWeights(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> weights(count);
  for (float &weight : weights) {
    weight = static_cast<float>(static_cast<int>(random() % 17) - 8) / 8;
    if (weight == 0 && random() % 2)
      weight = -0.0f;
  }
  return weights;
}

static std::vector<float> run(const Projection &projection,
                              const std::vector<float> &weights, int64_t cols,
                              float lambda = 0) {
  std::vector<float> out(weights.size());
  EXPECT_FALSE(project(projection, weights.data(),
                       static_cast<int64_t>(weights.size()) / cols, cols,
                       lambda, out.data()));
  return out;
}

/// Makes the first smallest of each group 0 until no more are left than the
/// codebook keeps. Groups begin anew with each scale and after 256 inputs.
static void dropSmallest(const Projection &projection,
                         const std::vector<float> &weights, int64_t cols,
                         std::vector<int> &trits) {
  int64_t region = projection.granularity == Granularity::PerGroup
                       ? projection.groupSize
                       : cols;
  for (int64_t i = 0; i < static_cast<int64_t>(weights.size());) {
    int64_t col = i % cols, place = col % region % 256;
    int64_t count = std::min({projection.codebook->inputs, 256 - place,
                              region - col % region, cols - col});
    for (int64_t left = count; left > projection.codebook->kept; --left) {
      int64_t smallest = -1;
      for (int64_t j = i; j < i + count; ++j)
        if (trits[j] != 0 && (smallest < 0 || std::fabs(weights[j]) <
                                                  std::fabs(weights[smallest])))
          smallest = j;
      trits[smallest] = 0;
    }
    i += count;
  }
}

/// The definitions of Projection.h, one weight after the other.
static std::vector<float> reference(const Projection &projection,
                                    const std::vector<float> &weights,
                                    int64_t cols) {
  auto size = static_cast<int64_t>(weights.size());
  std::vector<int> trits(size);
  for (int64_t i = 0; i < size; ++i)
    trits[i] = weights[i] < 0 ? -1 : 1;
  bool hasTrits = projection.kind == QuantizerKind::Sherry;
  if (hasTrits && projection.codebook->kept != 0)
    dropSmallest(projection, weights, cols, trits);
  std::vector<float> out(size);
  auto fill = [&](int64_t begin, int64_t end) {
    double sum = 0, count = 0, largest = 0, zeros = 0;
    for (int64_t i = begin; i < end; ++i)
      if (trits[i] != 0) {
        double magnitude = std::fabs(weights[i]);
        sum += magnitude;
        ++count;
        zeros += magnitude == 0 ? 1 : 0;
        largest = std::max(largest, magnitude);
      }
    // Trits without a pattern that are trits already.
    if (hasTrits && projection.codebook->kept == 0 &&
        sum == (count - zeros) * largest)
      sum = count * largest;
    auto scale = static_cast<float>(sum / count);
    for (int64_t i = begin; i < end; ++i) {
      int trit = trits[i];
      if (hasTrits && projection.codebook->kept == 0)
        trit = static_cast<int>(std::max(
            -1.0f, std::min(1.0f, std::nearbyint(weights[i] / scale))));
      out[i] = static_cast<float>(trit) * scale;
    }
  };
  if (projection.granularity == Granularity::PerTensor) {
    fill(0, size);
    return out;
  }
  for (int64_t row = 0; row < size; row += cols) {
    int64_t step = projection.granularity == Granularity::PerGroup
                       ? projection.groupSize
                       : cols;
    for (int64_t i = 0; i < cols; i += step)
      fill(row + i, row + std::min(i + step, cols));
  }
  return out;
}

TEST(Projection, AgreesWithTheDefinition) {
  for (const Kind &kind : kQuantizers)
    for (Granularity granularity : kGranularities)
      for (int64_t cols : {4, 20, 128, 300}) {
        Projection projection = make(kind, granularity, 16);
        auto weights = makeWeights(7 * cols, static_cast<unsigned>(cols));
        EXPECT_EQ(run(projection, weights, cols),
                  reference(projection, weights, cols))
            << getQuantizerName(kind.kind).str() << " " << kind.codebook->name
            << " of " << cols;
      }
}

TEST(Projection, DropsTheFirstOfEqualWeights) {
  Projection projection = make(k3of4, Granularity::PerChannel);
  EXPECT_EQ(run(projection, {-2, 1, -1, 1}, 4),
            (std::vector<float>{-4.0f / 3, 0, -4.0f / 3, 4.0f / 3}));
  // A zero that is kept is positive, also a negative one.
  EXPECT_EQ(run(projection, {0, -0.0f, 3, 0}, 4),
            (std::vector<float>{0, 1, 1, 1}));
}

TEST(Projection, KeepsTwoOfSix) {
  Projection projection = make(k2of6, Granularity::PerChannel);
  // The first of equals are dropped, and all that are left of a short group are
  // kept.
  EXPECT_EQ(run(projection, {1, -2, 2, 2, -1, 0, 3, -0.0f}, 8),
            (std::vector<float>{0, 0, 1.75f, 1.75f, 0, 0, 1.75f, 1.75f}));
}

TEST(Projection, TritsWithoutPatternRoundTiesToEven) {
  Projection projection = make(kDense, Granularity::PerChannel);
  // The mean is 2, and 1 / 2 is a tie, which becomes 0.
  EXPECT_EQ(run(projection, {1, -1, 3, -3}, 4),
            (std::vector<float>{0, 0, 2, -2}));
  EXPECT_EQ(run(projection, {0, 0, 0, 0}, 4), std::vector<float>(4));
}

TEST(Projection, KeepsWhatIsProjected) {
  for (const Kind &kind : kQuantizers)
    for (Granularity granularity : kGranularities)
      for (bool isLeastSquares : {false, true}) {
        Projection projection = make(kind, granularity, 16);
        projection.isLeastSquares = isLeastSquares;
        auto once = run(projection, makeWeights(320, 6), 32);
        EXPECT_EQ(run(projection, once, 32), once)
            << getQuantizerName(kind.kind).str() << " " << kind.codebook->name;
      }
}

TEST(Projection, AddsTheResidual) {
  for (const Kind &kind : kQuantizers) {
    Projection projection = make(kind, Granularity::PerGroup, 8);
    auto weights = makeWeights(64, 1);
    auto plain = run(projection, weights, 32);
    auto mixed = run(projection, weights, 32, 0.25f);
    for (size_t i = 0; i < weights.size(); ++i)
      EXPECT_EQ(mixed[i], plain[i] + 0.25f * weights[i]);
  }
}

TEST(Projection, RoundsScalesAsTheCompilerDoes) {
  for (const Kind &kind : kQuantizers) {
    Projection projection = make(kind, Granularity::PerChannel);
    auto weights = makeWeights(16, 2);
    auto exact = run(projection, weights, 16);
    projection.roundsScales = true;
    auto rounded = run(projection, weights, 16);
    for (size_t i = 0; i < weights.size(); ++i)
      EXPECT_EQ(rounded[i], format::f16ToF32(format::f32ToF16(exact[i])));
  }
}

TEST(Projection, LeastSquaresIsNoWorse) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> weights(512);
  for (float &weight : weights)
    weight = normal(random);
  auto measure = [&](const Projection &projection) {
    auto out = run(projection, weights, 128);
    double error = 0;
    for (size_t i = 0; i < weights.size(); ++i)
      error += (out[i] - weights[i]) * (out[i] - weights[i]);
    return error;
  };
  for (const Kind &kind : kQuantizers)
    for (Granularity granularity : kGranularities) {
      Projection projection = make(kind, granularity);
      double mean = measure(projection);
      projection.isLeastSquares = true;
      double fitted = measure(projection);
      if (kind.codebook->kept == 0)
        EXPECT_LT(fitted, mean);
      else
        EXPECT_EQ(fitted, mean);
    }
}

TEST(Projection, TritsAreSigns) {
  auto weights = makeWeights(64, 4);
  for (const Kind &kind : kQuantizers) {
    Projection projection = make(kind, Granularity::PerChannel);
    std::vector<float> out(64), plain = run(projection, weights, 16);
    std::vector<int8_t> trits(64, 9);
    ASSERT_FALSE(project(projection, weights.data(), 4, 16, 0.5f, out.data(),
                         trits.data()));
    for (size_t i = 0; i < weights.size(); ++i)
      EXPECT_EQ(trits[i], (plain[i] > 0) - (plain[i] < 0));
  }
}

TEST(Projection, RefusesWhatIsNotFinite) {
  for (const Kind &kind : kQuantizers)
    for (Granularity granularity : kGranularities)
      for (bool isLeastSquares : {false, true}) {
        Projection projection = make(kind, granularity);
        projection.isLeastSquares = isLeastSquares;
        auto weights = makeWeights(32, 5);
        weights[21] = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> out(32);
        auto failure =
            project(projection, weights.data(), 2, 16, 0, out.data());
        ASSERT_TRUE(failure);
        EXPECT_THAT(*failure, HasSubstr("row 1, column 5"));
      }
}

TEST(Projection, BitsPerWeight) {
  auto bits = [](const Kind &kind, Granularity granularity) {
    return make(kind, granularity).getBitsPerWeight(64, 256, 16);
  };
  EXPECT_EQ(bits({QuantizerKind::None}, Granularity::PerGroup), 16);
  EXPECT_EQ(bits(k3of4, Granularity::PerGroup), 1.375);
  EXPECT_EQ(bits(k3of4, Granularity::PerChannel), 1.3125);
  EXPECT_EQ(bits(k2of6, Granularity::PerGroup), 22 * 6 / 128.0 + 0.125);
  EXPECT_EQ(bits(kDense, Granularity::PerGroup), 43 * 5 / 128.0 + 0.125);
  EXPECT_EQ(bits(kDense, Granularity::PerTensor),
            86 * 5 / 256.0 + 16.0 / (64 * 256));
  EXPECT_EQ(bits(kBinary, Granularity::PerGroup), 1.125);
}
