//===- QuantizerTest.cpp - Rules [S1] to [S6] -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Quantizer.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace sherry::format;
using testing::AllOf;
using testing::HasSubstr;

namespace {
struct Quantized {
  std::vector<int8_t> trits;
  std::vector<float> scales;
};
} // namespace

static TernaryLayout makeLayout(Granularity granularity, int64_t groupSize,
                                ScaleType type = ScaleType::F32) {
  TernaryLayout layout;
  layout.granularity = granularity;
  layout.groupSize = groupSize;
  layout.scaleType = type;
  return layout;
}

/// Runs the quantizer over the matrix in pieces of at most `piece` rows.
static Quantized quantize(const TernaryLayout &layout, int64_t cols,
                          const std::vector<float> &weights,
                          int64_t piece = INT64_MAX) {
  Quantizer quantizer(layout, cols);
  int64_t rows = weights.size() / cols, scaleGroups = quantizer.scaleGroups();
  int64_t rowGroups = layout.rowGroups(cols);
  std::vector<uint8_t> codes(rows * rowGroups);
  Quantized result;
  result.trits.resize(weights.size());
  result.scales.resize(rows * scaleGroups);
  auto forPieces = [&](auto body) {
    for (int64_t row = 0; row < rows; row += piece)
      EXPECT_FALSE(body(row, std::min(piece, rows - row)));
  };
  if (quantizer.needsFirstPass())
    forPieces([&](int64_t row, int64_t n) {
      return quantizer.accumulateRows(row, n, weights.data() + row * cols);
    });
  forPieces([&](int64_t row, int64_t n) {
    return quantizer.quantizeRows(row, n, weights.data() + row * cols,
                                  codes.data() + row * rowGroups,
                                  result.scales.data() + row * scaleGroups);
  });
  std::vector<uint8_t> again(codes.size());
  for (int64_t row = 0; row < rows; ++row) {
    int8_t *trits = result.trits.data() + row * cols;
    decodeRow(layout, /*strided=*/false, cols, &codes[row * rowGroups], trits);
    EXPECT_TRUE(encodeRow(layout, /*strided=*/false, cols, trits,
                          &again[row * rowGroups]));
  }
  EXPECT_EQ(again, codes);
  return result;
}

/// Makes the smallest of a group 0, the first of equals, until few are left.
static void projectNaively(const Codebook &codebook, const float *weights,
                           size_t count, std::vector<int8_t> &trits) {
  std::vector<size_t> left(count);
  for (size_t i = 0; i < count; ++i)
    left[i] = i;
  while (left.size() > size_t(codebook.kept))
    left.erase(std::min_element(left.begin(), left.end(), [&](auto a, auto b) {
      return std::fabs(weights[a]) < std::fabs(weights[b]);
    }));
  size_t begin = trits.size();
  trits.resize(begin + count);
  for (size_t i : left)
    trits[begin + i] = weights[i] < 0 ? -1 : 1;
}

/// The rules again, as plainly as they can be written.
static Quantized quantizeNaively(const TernaryLayout &layout, int64_t cols,
                                 const std::vector<float> &weights) {
  Quantized result;
  size_t group = cols;
  if (layout.granularity == Granularity::PerGroup)
    group = std::min<size_t>(layout.groupSize, cols);
  // Groups begin anew in each scale group, and in each chunk of one.
  size_t row = 0, scaleGroup = 0, chunk = 0, inputs = layout.codebook->inputs;
  for (size_t i = 0; i < weights.size();) {
    row = i / cols * cols;
    scaleGroup = row + (i - row) / group * group;
    chunk = scaleGroup + (i - scaleGroup) / 256 * 256;
    size_t end = std::min({row + cols, scaleGroup + group, chunk + 256});
    size_t count = std::min(inputs, end - i);
    projectNaively(*layout.codebook, &weights[i], count, result.trits);
    i += count;
  }
  auto meanOf = [&](size_t begin, size_t end) {
    double sum = 0, count = 0;
    for (size_t i = begin; i < end; ++i)
      if (result.trits[i] != 0) {
        sum += std::fabs(weights[i]);
        ++count;
      }
    float scale = sum / count;
    return layout.scaleType == ScaleType::F16 ? f16ToF32(f32ToF16(scale))
                                              : scale;
  };
  for (row = 0; row < weights.size(); row += cols)
    for (size_t at = row; at < row + cols; at += group)
      result.scales.push_back(
          layout.granularity == Granularity::PerTensor
              ? meanOf(0, weights.size())
              : meanOf(at, std::min<size_t>(at + group, row + cols)));
  return result;
}

static Failure tryQuantize(const TernaryLayout &layout,
                           const std::vector<float> &weights,
                           int64_t firstRow = 0) {
  std::vector<uint8_t> codes(weights.size() / 4);
  std::vector<float> scales(weights.size() / 4);
  return Quantizer(layout, weights.size())
      .quantizeRows(firstRow, 1, weights.data(), codes.data(), scales.data());
}

TEST(QuantizerTest, S1S2S3HandComputed) {
  Quantized q = quantize(makeLayout(Granularity::PerGroup, 4), 8,
                         {0.5, -0.25, 0.25, -1, 3, -2, 2.5, -2});
  EXPECT_EQ(q.trits, (std::vector<int8_t>{1, 0, 1, -1, 1, 0, 1, -1}));
  EXPECT_EQ(q.scales, (std::vector<float>{1.75f / 3, 2.5f}));
}

TEST(QuantizerTest, S1TiesDropTheFirst) {
  auto layout = makeLayout(Granularity::PerChannel, 0);
  EXPECT_EQ(quantize(layout, 4, {1, -1, 1, -1}).trits,
            (std::vector<int8_t>{0, -1, 1, -1}));
  EXPECT_EQ(quantize(layout, 4, {2, -1, 1, 3}).trits,
            (std::vector<int8_t>{1, 0, 1, 1}));
  EXPECT_EQ(quantize(layout, 4, {-2, 3, -1, 1}).trits,
            (std::vector<int8_t>{-1, 1, 0, 1}));
}

TEST(QuantizerTest, S2KeptZerosArePositive) {
  Quantized q = quantize(makeLayout(Granularity::PerChannel, 0, ScaleType::F16),
                         8, {0.0, -0.0, -0.0, 0.0, -5, 0.0, -0.0, 1});
  EXPECT_EQ(q.trits, (std::vector<int8_t>{0, 1, 1, 1, -1, 0, 1, 1}));
  EXPECT_EQ(q.scales, (std::vector<float>{1}));
  q = quantize(makeLayout(Granularity::PerTensor, 0, ScaleType::F16), 4,
               {0, 0, 0, -0.0});
  EXPECT_EQ(q.scales, (std::vector<float>{0}));
}

TEST(QuantizerTest, S1ToS3TwoOfSix) {
  auto layout = makeLayout(Granularity::PerChannel, 0);
  layout.codebook = &k2of6;
  // Of equals the first is dropped; the last group has two inputs, which are
  // both kept.
  Quantized q = quantize(layout, 8, {0.5, -2, 0, 0, 1, -1, 3, -0.0});
  EXPECT_EQ(q.trits, (std::vector<int8_t>{0, -1, 0, 0, 0, -1, 1, 1}));
  EXPECT_EQ(q.scales, (std::vector<float>{1.5}));
}

TEST(QuantizerTest, S4LastScaleGroupIsShorter) {
  Quantized q = quantize(makeLayout(Granularity::PerGroup, 8), 12,
                         {0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9});
  EXPECT_EQ(q.scales, (std::vector<float>{3.5, 8}));
}

TEST(QuantizerTest, S1ToS5EqualTheNaiveRules) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  for (int64_t cols : {4, 20, 192, 320})
    for (int64_t rows : {1, 3, 33})
      for (int64_t groupSize : {4, 12, 64, 128, 256, 512})
        for (ScaleType type : {ScaleType::F16, ScaleType::F32})
          for (Granularity granularity :
               {Granularity::PerTensor, Granularity::PerChannel,
                Granularity::PerGroup}) {
            // Few distinct values, as in bf16 checkpoints: ties and zeros.
            std::vector<float> weights(rows * cols);
            for (float &weight : weights)
              weight = std::round(normal(random) * 512) / 512;
            auto layout = makeLayout(granularity, groupSize, type);
            for (const Codebook *codebook : {&k3of4, &k2of6}) {
              layout.codebook = codebook;
              Quantized expected = quantizeNaively(layout, cols, weights);
              for (int64_t piece : {int64_t(2), rows}) {
                Quantized q = quantize(layout, cols, weights, piece);
                ASSERT_EQ(q.trits, expected.trits);
                ASSERT_EQ(q.scales, expected.scales);
              }
            }
          }
}

/// [S6] with trits as they are; f16 scales are rounded behind them.
TEST(QuantizerTest, S6AbsMean) {
  TernaryLayout layout = makeLayout(Granularity::PerGroup, 8);
  layout.codebook = &kDense;
  // Scales 1, whose half is no longer kept, and 0.25; then only zeros.
  const std::vector<float> weights = {
      0.5F, -0.51F, 2, 1, -1, 2.99F, 0,     0, 0.25, -0.25F, 0.25F, 0.25F,
      0,    0,      1, 0, 0,  0,     -0.0F, 0, 0,    0,      0,     0};
  const std::vector<int8_t> expected = {0, -1, 1, 1, -1, 1, 0, 0, 1, -1, 1, 1,
                                        0, 0,  1, 0, 0,  0, 0, 0, 0, 0,  0, 0};
  std::vector<uint8_t> codes(layout.rowGroups(24));
  std::vector<float> scales(3);
  ASSERT_EQ(codes.size(), 9U);
  ASSERT_FALSE(
      Quantizer(layout, 24)
          .quantizeRows(0, 1, weights.data(), codes.data(), scales.data()));
  EXPECT_EQ(scales, (std::vector<float>{1, 0.25F, 0}));
  std::vector<int8_t> trits(24);
  decodeRow(layout, /*strided=*/false, 24, codes.data(), trits.data());
  EXPECT_EQ(trits, expected);

  layout.granularity = Granularity::PerTensor;
  Quantizer whole(layout, 8);
  ASSERT_FALSE(whole.accumulateRows(0, 3, weights.data()));
  ASSERT_FALSE(whole.quantizeRows(1, 1, weights.data() + 8, codes.data(),
                                  scales.data()));
  EXPECT_FLOAT_EQ(scales[0], 10.0F / 24);
}

/// [S6] Weights that are trits already stay, whatever share of them is 0.
TEST(QuantizerTest, S6KeepsTrits) {
  const std::vector<float> weights = {0,  0.1F, -0.1F, 0, 0,     0,    0, 0.1F,
                                      0,  0,    0,     0, -0.0F, 0,    0, 0,
                                      -3, 0,    0,     0, 0,     0.5F, 0, 0.5F};
  const std::vector<int8_t> trits = {0, 1, -1, 0, 0,  0, 0, 1, 0, 0, 0, 0,
                                     0, 0, 0,  0, -1, 0, 0, 0, 0, 1, 0, 1};
  auto layout = makeLayout(Granularity::PerGroup, 4);
  layout.codebook = &kDense;
  Quantized q = quantize(layout, 8, weights);
  EXPECT_EQ(q.trits, trits);
  EXPECT_EQ(q.scales, (std::vector<float>{0.1F, 0.1F, 0, 0, 3, 0.5F}));
  layout.scaleType = ScaleType::F16;
  q = quantize(layout, 8, weights);
  EXPECT_EQ(q.trits, trits);
  EXPECT_EQ(q.scales[0], f16ToF32(f32ToF16(0.1F)));
  EXPECT_EQ(q.scales[5], 0.5F);

  // Of one scale for all weights, whatever the rows that are seen at a time.
  const std::vector<float> first(weights.begin(), weights.begin() + 16);
  layout = makeLayout(Granularity::PerTensor, 0);
  layout.codebook = &kDense;
  for (int64_t piece : {1, 2}) {
    q = quantize(layout, 8, first, piece);
    EXPECT_EQ(q.trits, std::vector<int8_t>(trits.begin(), trits.begin() + 16));
    EXPECT_EQ(q.scales, (std::vector<float>{0.1F, 0.1F}));
    EXPECT_FLOAT_EQ(quantize(layout, 8, weights, piece).scales[0], 4.3F / 24);
  }
}

TEST(QuantizerTest, NonFiniteWeightsAreNamed) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float inf = std::numeric_limits<float>::infinity();
  auto layout = makeLayout(Granularity::PerGroup, 4);
  EXPECT_THAT(*tryQuantize(layout, {1, 2, 3, 4, 5, nan, inf, 8}, 7),
              AllOf(HasSubstr("row 7, column 5 is NaN"), HasSubstr("export")));
  EXPECT_THAT(*tryQuantize(layout, {1, 2, 3, -inf}),
              HasSubstr("row 0, column 3 is infinite"));

  std::vector<float> weights = {1, 2, 3, 4, 5, 6, inf, 8};
  Quantizer perTensor(makeLayout(Granularity::PerTensor, 0), 4);
  EXPECT_THAT(*perTensor.accumulateRows(10, 2, weights.data()),
              HasSubstr("row 11, column 2 is infinite"));
}

TEST(QuantizerTest, S5ScalesThatF16CannotHoldAreNamed) {
  auto layout = makeLayout(Granularity::PerGroup, 4, ScaleType::F16);
  Failure tooLarge = tryQuantize(layout, {1, 1, 1, 1, 0, 7e4, 7e4, 7e4}, 3);
  EXPECT_THAT(*tooLarge,
              AllOf(HasSubstr("row 3, column 4"), HasSubstr("too large")));
  EXPECT_EQ(tooLarge.getKind(), FailureKind::ScaleRange);
  EXPECT_THAT(*tryQuantize(layout, {0, 1e-9, 1e-9, 1e-9}),
              HasSubstr("too small"));
  EXPECT_FALSE(tryQuantize(layout, {0, 65504, 65504, 65504}));
  EXPECT_FALSE(tryQuantize(layout, {0, 6e-8, 6e-8, 6e-8}));
  layout.scaleType = ScaleType::F32;
  EXPECT_FALSE(tryQuantize(layout, {0, 7e4, 7e4, 7e4}));
  EXPECT_FALSE(tryQuantize(layout, {0, 1e-9, 1e-9, 1e-9}));
}
