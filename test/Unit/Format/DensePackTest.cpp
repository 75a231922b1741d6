//===- DensePackTest.cpp - Rules [D1] and [Q1] to [Q4] --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
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

static std::vector<uint8_t> pack(const QuantFormat &format, int64_t rows,
                                 int64_t cols,
                                 const std::vector<float> &weights) {
  std::vector<uint8_t> bytes(format.bytes(rows, cols), 0xee);
  EXPECT_FALSE(packBlocks(format, 0, rows, cols, weights.data(), bytes.data()));
  return bytes;
}

static std::vector<float> unpack(const QuantFormat &format, int64_t rows,
                                 int64_t cols,
                                 const std::vector<uint8_t> &bytes) {
  std::vector<float> weights(rows * cols);
  unpackBlocks(format, rows, cols, bytes.data(), weights.data());
  return weights;
}

TEST(DensePackTest, D1EveryWeightLiesWhereTheRuleSays) {
  std::mt19937 random(1);
  constexpr DenseFormat format = DenseFormat::BF16;
  for (int64_t rows : {1, 31, 32, 65})
    for (int64_t cols : {4, 20, 192}) {
      std::vector<float> weights = makeWeights(rows * cols, random);
      std::vector<uint8_t> bytes(bytesOf(format, rows, cols), 0xee);
      ASSERT_FALSE(
          packNumbers(format, 0, rows, cols, weights.data(), bytes.data()));
      for (int64_t row = 0; row < roundUp(rows, 32); ++row)
        for (int64_t col = 0; col < cols; ++col) {
          int64_t place = (row / 32 * cols + col) * 64 + row % 32 * 2;
          ASSERT_EQ(load16(&bytes[place]),
                    row < rows ? f32ToBf16(weights[row * cols + col]) : 0);
        }

      std::vector<float> back(weights.size());
      unpackNumbers(format, rows, cols, bytes.data(), back.data());
      for (size_t i = 0; i < weights.size(); ++i)
        ASSERT_EQ(back[i], bf16ToF32(f32ToBf16(weights[i])));
    }
}

TEST(DensePackTest, D1NumbersOfOtherTypesLieLikeThose) {
  std::mt19937 random(2);
  constexpr int64_t rows = 33, cols = 20;
  std::vector<float> weights = makeWeights(rows * cols, random);
  std::vector<float> back(weights.size());

  std::vector<uint8_t> bytes(bytesOf(DenseFormat::F16, rows, cols), 0xee);
  ASSERT_EQ(bytes.size(), 64u * cols * 2);
  ASSERT_FALSE(packNumbers(DenseFormat::F16, 0, rows, cols, weights.data(),
                           bytes.data()));
  // Row 32, column 3: the first of the second tile.
  EXPECT_EQ(load16(&bytes[(1 * cols + 3) * 64]),
            f32ToF16(weights[32 * cols + 3]));
  EXPECT_EQ(load16(&bytes[(1 * cols + 3) * 64 + 2]), 0);
  unpackNumbers(DenseFormat::F16, rows, cols, bytes.data(), back.data());
  for (size_t i = 0; i < weights.size(); ++i)
    ASSERT_EQ(back[i], f16ToF32(f32ToF16(weights[i])));

  bytes.assign(bytesOf(DenseFormat::F32, rows, cols), 0xee);
  ASSERT_EQ(bytes.size(), 64u * cols * 4);
  ASSERT_FALSE(packNumbers(DenseFormat::F32, 0, rows, cols, weights.data(),
                           bytes.data()));
  float number;
  std::memcpy(&number, &bytes[(0 * cols + 19) * 128 + 31 * 4], 4);
  EXPECT_EQ(number, weights[31 * cols + 19]);
  unpackNumbers(DenseFormat::F32, rows, cols, bytes.data(), back.data());
  EXPECT_EQ(back, weights);
}

TEST(DensePackTest, D1RefusesWhatATypeCannotHold) {
  std::vector<uint8_t> bytes(bytesOf(DenseFormat::F32, 1, 4));
  std::vector<float> weights = {1, 2, kNaN, 4};
  auto packAs = [&](DenseFormat format) {
    return packNumbers(format, 9, 1, 4, weights.data(), bytes.data());
  };
  EXPECT_THAT(*packAs(DenseFormat::BF16), HasSubstr("row 9, column 2 is NaN"));
  EXPECT_THAT(*packAs(DenseFormat::F32), HasSubstr("row 9, column 2 is NaN"));
  weights[2] = -std::numeric_limits<float>::max();
  EXPECT_THAT(*packAs(DenseFormat::BF16),
              AllOf(HasSubstr("rows 9 to 9"), HasSubstr("too large for bf16")));
  EXPECT_FALSE(packAs(DenseFormat::F32));
  weights[2] = 0x1.fep127f; // the largest bf16
  EXPECT_FALSE(packAs(DenseFormat::BF16));
  weights[2] = 65520;
  EXPECT_THAT(*packAs(DenseFormat::F16),
              AllOf(HasSubstr("rows 9 to 9"), HasSubstr("too large for f16")));
  weights[2] = 65519; // is rounded to the largest f16
  EXPECT_FALSE(packAs(DenseFormat::F16));
}

TEST(DensePackTest, Q8ByHand) {
  // Scale 127/127 = 1; ties go to even; a block of 32 and one of 4 inputs.
  std::vector<float> weights(2 * 36);
  float first[] = {127, -127, 0.5, 1.5, -0.5, -2.5, 3.49f, -3.51f};
  std::copy(std::begin(first), std::end(first), weights.begin());
  float last[] = {-254, 2, 4, 6}; // row 1, last block: scale 2
  std::copy(std::begin(last), std::end(last), weights.begin() + 68);
  std::vector<uint8_t> bytes = pack(kQ8_0, 2, 36, weights);

  std::vector<uint8_t> expected((32u + 4) * 32 + 2 * 64, 128);
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

TEST(DensePackTest, Q4ByHand) {
  // The extreme -8 gives the scale 1, the extreme 16 the scale -2.
  std::vector<float> weights = {-8, 7, 0.5, 1.5, -2.5, 8, 3,   -3, // block 0
                                0,  0, 0,   0,   0,    0, 0,   0,  0, 0,
                                0,  0, 0,   0,   0,    0, 0,   0,  0, 0,
                                0,  0, 0,   0,   16,   2, -14, 0}; // block 1
  std::vector<uint8_t> bytes = pack(kQ4_0, 1, 36, weights);

  std::vector<uint8_t> expected(4 * 128 + 64, 0x88);
  uint8_t groups01[] = {0x60, 0xff, 0xb8, 0x5a};
  std::copy_n(groups01, 4, expected.begin());
  std::fill_n(expected.begin() + 512, 64, 0);
  expected[513] = 0x3c; // 1.0
  // A plane with one group, then its scales.
  expected.resize(576 + 128, 0x08);
  uint8_t shortBlock[] = {0x00, 0x07, 0x0f, 0x08};
  std::copy_n(shortBlock, 4, expected.begin() + 576);
  expected.resize(expected.size() + 64, 0);
  expected[576 + 128 + 1] = 0xc0; // -2.0
  EXPECT_EQ(bytes, expected);
}

TEST(DensePackTest, Q6ByHand) {
  // Two blocks: the extremes 32 and -8 wish the scales -1 and 0.25; so d is
  // 1/128, and the factors -128 and 32.
  std::vector<float> weights = {32, -31, 0.5, -1.5, 1, 2,   3,  4,    0,    0,
                                0,  0,   0,   0,    0, -16, -8, 7.75, 0.25, 0};
  std::vector<uint8_t> bytes = pack(kQ6_K, 1, 20, weights);

  std::vector<uint8_t> expected(64);
  expected[1] = 0x20; // d
  auto append = [&](int64_t size, uint8_t padding,
                    const std::vector<uint8_t> &first) {
    std::copy(first.begin(), first.end(),
              expected.insert(expected.end(), size, padding));
  };
  // Stored: 0 63 32 34, 31 30 29 28, 32 32 32 32, 32 32 32 48.
  append(128, 0xaa, {0xa4, 0xa7, 0xa6, 0xe6}); // upper bits 2 of four groups
  append(256, 0x00, {0xf0, 0xef, 0xd0, 0xc2}); // low bits of two groups each
  append(32, 0x00, {0x80});
  // The short block: 0 63 33 32.
  append(128, 0x02, {0x00, 0x03, 0x02, 0x02});
  append(128, 0x00, {0x00, 0x0f, 0x01, 0x00});
  append(32, 0x00, {32});
  EXPECT_EQ(bytes, expected);
}

TEST(DensePackTest, Q1ToQ3EveryWeightLiesWhereTheRulesSay) {
  std::mt19937 random(2);
  for (const QuantFormat *format : {&kQ8_0, &kQ6_K, &kQ4_0})
    for (int64_t rows : {1, 31, 32, 65})
      for (int64_t cols : {4, 20, 32, 192, 332}) {
        std::vector<float> weights = makeWeights(rows * cols, random);
        std::vector<uint8_t> bytes = pack(*format, rows, cols, weights);
        std::vector<float> back = unpack(*format, rows, cols, bytes);
        const bool isQ6 = format->bits == 6;
        const int64_t size = format->blockInputs;
        for (int64_t row = 0; row < roundUp(rows, 32); ++row)
          for (int64_t col = 0; col < cols; ++col) {
            const uint8_t *tile = &bytes[row / 32 * format->tileBytes(cols)];
            const int64_t at = row % 32 * 4 + col % 4, group = col / 4;
            int64_t superBegin =
                col / format->superInputs * format->superInputs;
            // Bytes of a full super-block: 8.5, 4.5 and 6.5625 bits.
            const uint8_t *super =
                tile +
                superBegin / format->superInputs *
                    (isQ6 ? 32 * 210 : 32 * (size * format->bits / 8 + 2));
            const int64_t blockBegin = col / size * size;
            const int64_t length = std::min(size, cols - blockBegin);
            // q6_K: d, then blocks of 3 planes and factors.
            const uint8_t *block =
                super + (isQ6 ? 64 + (blockBegin - superBegin) / 16 * 416 : 0);
            const uint8_t *plane = block + (isQ6 ? 128 : 0);
            // Behind the low planes, or all integers.
            const uint8_t *after =
                plane +
                (format->bits == 8 ? length / 4 : (length + 7) / 8) * 128;
            int stored = 0, factor = 1;
            if (format->bits == 8) {
              stored = plane[group % 8 * 128 + at];
            } else {
              plane += (col - blockBegin) / 8 * 128;
              stored = plane[at] >> (group % 2 * 4) & 15;
            }
            if (isQ6) {
              stored |= (block[at] >> (group % 4 * 2) & 3) << 4;
              factor = static_cast<int8_t>(after[row % 32]);
            }
            float d = f16ToF32(load16((isQ6 ? super : after) + row % 32 * 2));
            stored -= 1 << (format->bits - 1);
            if (row >= rows) {
              ASSERT_EQ(d, 0);
              ASSERT_EQ(stored, 0);
              continue;
            }
            float scale = d * factor, weight = weights[row * cols + col];
            ASSERT_EQ(back[row * cols + col], scale * stored);
            int high = (1 << (format->bits - 1)) - 1;
            int low = format->bits == 8 ? -high : -high - 1;
            ASSERT_EQ(stored, std::nearbyint(std::min<float>(
                                  std::max<float>(weight / scale, low), high)));
          }
      }
}

TEST(DensePackTest, Q4ErrorsAreSmall) {
  // Of normally distributed weights: the spacing of the integers is at most
  // 2 / 127, 2 / 32 and 2 / 8 of the extremes, which are 2 to 4 deviations.
  std::mt19937 random(3);
  std::vector<float> weights = makeWeights(64 * 1024, random);
  struct {
    const QuantFormat *format;
    double limit;
  } cases[] = {{&kQ8_0, 0.006}, {&kQ6_K, 0.022}, {&kQ4_0, 0.1}};
  for (auto [format, limit] : cases) {
    std::vector<float> back =
        unpack(*format, 64, 1024, pack(*format, 64, 1024, weights));
    double error = 0, square = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      error += std::pow(weights[i] - back[i], 2);
      square += std::pow(weights[i], 2);
    }
    EXPECT_LT(std::sqrt(error / square), limit) << format->name;
  }
}

TEST(DensePackTest, Q4TinyBlocks) {
  // The scale becomes the smallest f16 or 0.
  for (const QuantFormat *format : {&kQ8_0, &kQ6_K, &kQ4_0})
    for (float largest : {0.0f, 1e-30f, 3.7e-6f, 3.9e-6f, 7.6e-6f, 1.1e-5f}) {
      std::vector<float> weights = {largest, -largest, largest / 2, 0};
      std::vector<float> back =
          unpack(*format, 1, 4, pack(*format, 1, 4, weights));
      // Half of the smallest scale times the largest integer and factor.
      double unit = format->bits == 6 ? 32 * 128 : format->bits == 4 ? 8 : 127;
      for (int i = 0; i < 4; ++i)
        EXPECT_NEAR(back[i], weights[i], unit * 0x1p-25 + largest / 8);
    }
}

TEST(DensePackTest, Q4RefusesWhatF16ScalesCannotHold) {
  struct {
    const QuantFormat *format;
    float largest;
    const char *column;
  } cases[] = {{&kQ8_0, 127, "row 40, column 32"},
               {&kQ4_0, -8, "row 40, column 32"},
               {&kQ6_K, 32 * 128, "row 40, column 0"}};
  for (auto [format, largest, column] : cases) {
    std::vector<uint8_t> bytes(format->bytes(1, 36));
    std::vector<float> weights(36, 1.0f);
    auto packRow = [&] {
      return packBlocks(*format, 40, 1, 36, weights.data(), bytes.data());
    };
    weights[35] = 65520.0f * largest;
    EXPECT_THAT(*packRow(), AllOf(HasSubstr(column), HasSubstr(format->name),
                                  HasSubstr("too large for")));
    weights[35] = 65504.0f * largest;
    EXPECT_FALSE(packRow());
    weights[3] = kNaN;
    EXPECT_THAT(*packRow(), HasSubstr("row 40, column 3 is NaN"));
  }
}
