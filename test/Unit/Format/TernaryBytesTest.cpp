//===- TernaryBytesTest.cpp - Rules [T4] to [T7] by hand ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Pack.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

using namespace sherry::format;

/// Three rows (row 2: the codes 1..16) of one full step with scales 1, 2, 3.
static std::vector<uint8_t> packExample(CodeOrder order) {
  std::vector<uint8_t> codes(3 * 16, 0);
  for (int i = 0; i < 16; ++i)
    codes[32 + i] = i + 1;
  std::vector<float> scales = {1, 2, 3};
  TernaryLayout layout;
  layout.order = order;
  std::vector<uint8_t> bytes(layout.bytes(3, 64), 0xee);
  packTernary(layout, 3, 64, codes.data(), scales.data(), bytes.data());
  return bytes;
}

/// All bytes but those at the given places are zero.
static void expectBytes(const std::vector<uint8_t> &bytes,
                        const std::vector<std::pair<int, int>> &nonZero) {
  std::vector<uint8_t> expected(bytes.size());
  for (auto [place, value] : nonZero)
    expected[place] = value;
  EXPECT_EQ(bytes, expected);
}

TEST(TernaryPackTest, T6WordsByHand) {
  // 1|2<<5|3<<10 = 0x0c41, and so on; 16 = 10000b puts bit 15 into word 0.
  std::vector<uint8_t> bytes = packExample(CodeOrder::Words);
  ASSERT_EQ(bytes.size(), 384u);
  expectBytes(bytes, {{4, 0x41},
                      {5, 0x8c},
                      {68, 0xa4},
                      {69, 0x18},
                      {132, 0x07},
                      {133, 0x25},
                      {196, 0x6a},
                      {197, 0x31},
                      {260, 0xcd},
                      {261, 0x3d},
                      {321, 0x3c},
                      {323, 0x40},
                      {324, 0x00},
                      {325, 0x42}});
}

TEST(TernaryPackTest, T7NibblesByHand) {
  std::vector<uint8_t> bytes = packExample(CodeOrder::Nibbles);
  ASSERT_EQ(bytes.size(), 384u);
  expectBytes(bytes, {{2, 0x21},
                      {34, 0x43},
                      {66, 0x65},
                      {98, 0x87},
                      {130, 0xa9},
                      {162, 0xcb},
                      {194, 0xed},
                      {226, 0x0f},
                      {260, 0x01},
                      {321, 0x3c},
                      {323, 0x40},
                      {325, 0x42}});
}

TEST(TernaryPackTest, T7OrderOfRows) {
  std::vector<uint8_t> codes(64);
  for (int row = 0; row < 32; ++row)
    codes[2 * row] = row < 16 ? row : row % 16 + 16;
  std::vector<float> scales(32);
  TernaryLayout layout;
  layout.order = CodeOrder::Nibbles;
  std::vector<uint8_t> bytes(layout.bytes(32, 8));
  packTernary(layout, 32, 8, codes.data(), scales.data(), bytes.data());
  ASSERT_EQ(bytes.size(), 32u + 64 + 64);
  bytes.resize(96);
  std::vector<uint8_t> expected = {0,  1,  2, 3, 4,  5,  6,  7,  0,  1,  2,
                                   3,  4,  5, 6, 7,  8,  9,  10, 11, 12, 13,
                                   14, 15, 8, 9, 10, 11, 12, 13, 14, 15};
  expected.resize(96);
  for (int row = 16; row < 32; ++row) // the first group is bit 15
    expected[32 + 2 * row + 1] = 0x80;
  EXPECT_EQ(bytes, expected);
}

TEST(TernaryPackTest, T6ShortStepByHand) {
  // 5 groups: two words, the second with two codes.
  std::vector<uint8_t> codes = {31, 0, 1, 17, 30};
  float scale = 0.5;
  TernaryLayout layout;
  std::vector<uint8_t> bytes(layout.bytes(1, 20), 0xee);
  packTernary(layout, 1, 20, codes.data(), &scale, bytes.data());
  ASSERT_EQ(bytes.size(), 2u * 64 + 64);
  expectBytes(bytes,
              {{0, 0x1f}, {1, 0x04}, {64, 0xd1}, {65, 0x03}, {129, 0x38}});
}

TEST(TernaryPackTest, T6StepWithAByteByHand) {
  // 8 groups: two words, a byte with code 7 and the lower bits of 29 = 11101b.
  std::vector<uint8_t> codes = {1, 2, 3, 4, 5, 6, 7, 29};
  float scale = 0.5;
  TernaryLayout layout;
  std::vector<uint8_t> bytes(layout.bytes(1, 32), 0xee);
  packTernary(layout, 1, 32, codes.data(), &scale, bytes.data());
  ASSERT_EQ(bytes.size(), 2u * 64 + 32 + 64);
  expectBytes(bytes, {{0, 0x41},
                      {1, 0x8c},
                      {64, 0xa4},
                      {65, 0x98},
                      {128, 7 | 5 << 5},
                      {161, 0x38}});
}

TEST(TernaryPackTest, T7NibbleBesideSignsByHand) {
  std::vector<uint8_t> codes = {1, 18, 29};
  float scale = 0.5;
  TernaryLayout layout;
  layout.order = CodeOrder::Nibbles;
  std::vector<uint8_t> bytes(layout.bytes(1, 12), 0xee);
  packTernary(layout, 1, 12, codes.data(), &scale, bytes.data());
  ASSERT_EQ(bytes.size(), 32u + 64 + 64);
  expectBytes(bytes, {{0, 0x21}, {32, 13}, {33, 0x60}, {97, 0x38}});
}

TEST(TernaryPackTest, T6T7SignsApartByHand) {
  std::vector<uint8_t> codes = {3, 32 + 29};
  float scale = 0.5;
  TernaryLayout layout;
  layout.codebook = &k2of6;
  std::vector<uint8_t> bytes(layout.bytes(1, 8), 0xee);
  packTernary(layout, 1, 8, codes.data(), &scale, bytes.data());
  ASSERT_EQ(bytes.size(), 64u + 64 + 64);
  // 3 | 29 << 5; bit 14 for the second group.
  expectBytes(bytes, {{0, 0xa3}, {1, 0x03}, {65, 0x40}, {129, 0x38}});
  layout.order = CodeOrder::Nibbles;
  bytes.assign(layout.bytes(1, 8), 0xee);
  packTernary(layout, 1, 8, codes.data(), &scale, bytes.data());
  ASSERT_EQ(bytes.size(), 32u + 64 + 64 + 64);
  // 29 = 11101b: bit 4 is in the first words.
  expectBytes(bytes, {{0, 0xd3}, {33, 0x40}, {97, 0x40}, {161, 0x38}});
}

TEST(TernaryPackTest, T4ChunksOfSix) {
  TernaryLayout layout;
  layout.codebook = &k2of6;
  layout.granularity = Granularity::PerChannel;
  EXPECT_EQ(layout.stepInputs(), 96);
  // 43 groups: two full steps, and one of 11; then 22.
  EXPECT_EQ(layout.groups(256), 43);
  EXPECT_EQ(layout.rowGroups(384), 43 + 22);
  EXPECT_EQ(layout.tileBytes(256), 2 * 384 + 3 * 64 + 32 + 64 + 64);
  layout.order = CodeOrder::Nibbles;
  EXPECT_EQ(layout.tileBytes(256), 2 * 384 + 5 * 32 + 64 + 64 + 64);
}

TEST(TernaryPackTest, T4DenseChunks) {
  TernaryLayout layout;
  layout.codebook = &kDense;
  // 43 groups: two full steps, and one of 11: three words and a byte.
  EXPECT_EQ(layout.groups(128), 43);
  EXPECT_EQ(layout.tileBytes(128), 2 * 320 + 3 * 64 + 32 + 64);
  layout.order = CodeOrder::Nibbles;
  EXPECT_EQ(layout.tileBytes(128), 2 * 320 + 5 * 32 + 64 + 64);
  layout.granularity = Granularity::PerChannel;
  // Two chunks of 86 groups.
  EXPECT_EQ(layout.rowGroups(512), 172);
}

TEST(TernaryPackTest, T5OrderOfPieces) {
  // Three tiles in super-tiles of two; two scale groups of one step and of one
  // group. A tile's codes are all `tile + 1`, its scales `tile + 1`.
  TernaryLayout layout;
  layout.groupSize = 64;
  layout.interleave = 2;
  std::vector<uint8_t> codes(96 * 17);
  std::vector<float> scales(96 * 2);
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = i / (32 * 17) + 1;
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = i / 64 + 1;
  std::vector<uint8_t> bytes(layout.bytes(96, 68), 0xee);
  packTernary(layout, 96, 68, codes.data(), scales.data(), bytes.data());

  std::vector<uint8_t> expected;
  auto append = [&](int words, int value) {
    for (int i = 0; i < words * 32; ++i) {
      expected.push_back(value & 255);
      expected.push_back(value >> 8);
    }
  };
  auto appendStep = [&](int code) {
    for (int word = 0; word < 5; ++word)
      append(1, code * (1 + 32 + 1024) | (code >> (4 - word) & 1) << 15);
  };
  auto appendByte = [&](int code) {
    expected.insert(expected.end(), 32, code);
  };
  const int one = 0x3c00, two = 0x4000, three = 0x4200;
  appendStep(1), appendStep(2), append(1, one), append(1, two);
  appendByte(1), appendByte(2), append(1, one), append(1, two);
  appendStep(3), append(1, three), appendByte(3), append(1, three);
  EXPECT_EQ(bytes, expected);
}
