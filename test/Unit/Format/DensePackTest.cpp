//===- DensePackTest.cpp - Rules [D1], [Q1] and [Q2] ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
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

static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

static int load16(const uint8_t *bytes) { return bytes[0] | bytes[1] << 8; }

static std::vector<float> makeWeights(int64_t count, std::mt19937 &random) {
  std::normal_distribution<float> normal(0, 0.05f);
  std::vector<float> weights(count);
  for (float &weight : weights)
    weight = normal(random);
  return weights;
}

static std::vector<uint8_t> packAs8(int64_t rows, int64_t cols,
                                    const std::vector<float> &weights) {
  std::vector<uint8_t> bytes(q8Bytes(rows, cols), 0xee);
  EXPECT_EQ(packQ8(0, rows, cols, weights.data(), bytes.data()), std::nullopt);
  return bytes;
}

TEST(DensePackTest, D1EveryWeightLiesWhereTheRuleSays) {
  std::mt19937 random(1);
  for (int64_t rows : {1, 31, 32, 65})
    for (int64_t cols : {4, 20, 192}) {
      std::vector<float> weights = makeWeights(rows * cols, random);
      std::vector<uint8_t> bytes(bf16Bytes(rows, cols), 0xee);
      ASSERT_EQ(packBf16(0, rows, cols, weights.data(), bytes.data()),
                std::nullopt);
      for (int64_t row = 0; row < roundUp(rows, 32); ++row)
        for (int64_t col = 0; col < cols; ++col) {
          int64_t place = (row / 32 * cols + col) * 64 + row % 32 * 2;
          ASSERT_EQ(load16(&bytes[place]),
                    row < rows ? f32ToBf16(weights[row * cols + col]) : 0);
        }

      std::vector<float> back(weights.size());
      unpackBf16(rows, cols, bytes.data(), back.data());
      for (size_t i = 0; i < weights.size(); ++i)
        ASSERT_EQ(back[i], bf16ToF32(f32ToBf16(weights[i])));
    }
}

TEST(DensePackTest, D1RefusesWhatBf16CannotHold) {
  std::vector<uint8_t> bytes(bf16Bytes(1, 4));
  std::vector<float> weights = {1, 2, kNaN, 4};
  EXPECT_THAT(*packBf16(9, 1, 4, weights.data(), bytes.data()),
              HasSubstr("row 9, column 2 is NaN"));
  weights[2] = -std::numeric_limits<float>::max();
  EXPECT_THAT(*packBf16(9, 1, 4, weights.data(), bytes.data()),
              AllOf(HasSubstr("rows 9 to 9"), HasSubstr("too large for bf16")));
  weights[2] = 0x1.fep127f; // the largest bf16
  EXPECT_EQ(packBf16(9, 1, 4, weights.data(), bytes.data()), std::nullopt);
}

TEST(DensePackTest, Q2ByHand) {
  // Scale 127/127 = 1; ties go to even; a block of 32 and one of 4 inputs.
  std::vector<float> weights(2 * 36);
  float first[] = {127, -127, 0.5, 1.5, -0.5, -2.5, 3.49f, -3.51f};
  std::copy(std::begin(first), std::end(first), weights.begin());
  float last[] = {-254, 2, 4, 6}; // row 1, last block: scale 2
  std::copy(std::begin(last), std::end(last), weights.begin() + 68);
  std::vector<uint8_t> bytes = packAs8(2, 36, weights);

  std::vector<uint8_t> expected(q8Bytes(2, 36), 128);
  ASSERT_EQ(expected.size(), (32u + 4) * 32 + 2 * 64);
  uint8_t group0[] = {255, 1, 128, 130}, group1[] = {128, 126, 131, 124};
  uint8_t shortBlock[] = {1, 129, 130, 131};
  std::copy_n(group0, 4, expected.begin());
  std::copy_n(group1, 4, expected.begin() + 128);
  std::copy_n(shortBlock, 4, expected.begin() + 1088 + 4);
  std::fill_n(expected.begin() + 1024, 64, 0);
  std::fill_n(expected.begin() + 1088 + 128, 64, 0);
  expected[1025] = 0x3c;           // row 0: 1.0
  expected[1088 + 128 + 3] = 0x40; // row 1: 2.0
  EXPECT_EQ(bytes, expected);
}

TEST(DensePackTest, Q1Q2EveryWeightLiesWhereTheRulesSay) {
  std::mt19937 random(2);
  for (int64_t rows : {1, 31, 32, 65})
    for (int64_t cols : {4, 20, 32, 192, 332}) {
      std::vector<float> weights = makeWeights(rows * cols, random);
      std::vector<uint8_t> bytes = packAs8(rows, cols, weights);
      std::vector<float> back(weights.size());
      unpackQ8(rows, cols, bytes.data(), back.data());
      for (int64_t row = 0; row < roundUp(rows, 32); ++row)
        for (int64_t col = 0; col < cols; ++col) {
          int64_t block = col / 32 * 32;
          int64_t inputs = std::min<int64_t>(32, cols - block);
          int64_t start = row / 32 * q8TileBytes(cols) + block * 34;
          // 34 = (32 * 32 + 32 * 2) / 32 bytes per input of a full block.
          int scale = load16(&bytes[start + 32 * inputs + row % 32 * 2]);
          int stored =
              bytes[start + col % 32 / 4 * 128 + row % 32 * 4 + col % 4] - 128;
          if (row >= rows) {
            ASSERT_EQ(scale, 0);
            ASSERT_EQ(stored, 0);
            continue;
          }
          float largest = 0;
          for (int64_t i = block; i < block + inputs; ++i)
            largest = std::max(largest, std::fabs(weights[row * cols + i]));
          ASSERT_EQ(scale, f32ToF16(largest / 127));
          float weight = weights[row * cols + col];
          ASSERT_EQ(stored, std::nearbyint(weight / f16ToF32(scale)));
          ASSERT_LE(std::abs(stored), 127);
          ASSERT_EQ(back[row * cols + col], f16ToF32(scale) * stored);
          // Half a step: no other byte is closer.
          ASSERT_LE(std::fabs(back[row * cols + col] - weight),
                    f16ToF32(scale) * 0.5001f);
        }
    }
}

TEST(DensePackTest, Q2TinyBlocks) {
  // The scale becomes the smallest f16 or 0; no byte leaves [1, 255].
  for (float largest : {1e-30f, 3.7e-6f, 3.9e-6f, 7.6e-6f, 1.1e-5f}) {
    std::vector<float> weights = {largest, -largest, largest / 2, 0};
    std::vector<uint8_t> bytes = packAs8(1, 4, weights);
    std::vector<float> back(4);
    unpackQ8(1, 4, bytes.data(), back.data());
    EXPECT_GE(bytes[1], 1);
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(back[i], weights[i], 127 * 0x1p-25);
  }
}

TEST(DensePackTest, Q2RefusesWhatF16ScalesCannotHold) {
  std::vector<uint8_t> bytes(q8Bytes(1, 36));
  std::vector<float> weights(36, 1.0f);
  weights[35] = 65520.0f * 127;
  EXPECT_THAT(*packQ8(40, 1, 36, weights.data(), bytes.data()),
              AllOf(HasSubstr("row 40, column 32"), HasSubstr("--head=bf16")));
  weights[35] = 65504.0f * 127;
  EXPECT_EQ(packQ8(40, 1, 36, weights.data(), bytes.data()), std::nullopt);
  weights[3] = kNaN;
  EXPECT_THAT(*packQ8(40, 1, 36, weights.data(), bytes.data()),
              HasSubstr("row 40, column 3 is NaN"));
}
