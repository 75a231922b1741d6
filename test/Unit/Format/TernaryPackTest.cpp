//===- TernaryPackTest.cpp - Rules [T1] to [T7] ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

using namespace sherry::format;

namespace {
/// A random matrix of codes and f16-valued scales.
struct Matrix {
  Matrix(const TernaryLayout &layout, int64_t rows, int64_t cols,
         std::mt19937 &random)
      : layout(layout), rows(rows), cols(cols),
        codes(rows * layout.rowGroups(cols)),
        scales(rows * layout.rowScales(cols)) {
    for (uint8_t &code : codes)
      code = random() % 32;
    for (float &scale : scales)
      scale = f16ToF32(random() % 0x7c00);
  }

  std::vector<uint8_t> pack() const {
    // Whatever is not written shows.
    std::vector<uint8_t> bytes(layout.bytes(rows, cols), 0xee);
    packTernary(layout, rows, cols, codes.data(), scales.data(), bytes.data());
    return bytes;
  }

  TernaryLayout layout;
  int64_t rows, cols;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
};

/// Where the step of a group lies, found by the sizes in Layout.h, the way
/// compiled code finds it.
struct StepPlace {
  StepPlace(const TernaryLayout &layout, int64_t rows, int64_t cols,
            int64_t tile, int64_t group) {
    int64_t first = tile / layout.interleave * layout.interleave;
    int64_t tiles =
        std::min(ceilDiv(rows, kTileRows) - first, layout.interleave);
    int64_t size = layout.scaleGroupInputs(cols);
    scaleGroup = group / layout.groups(size);
    int64_t inputs = std::min(size, cols - scaleGroup * size);
    int64_t inGroup = group - scaleGroup * layout.groups(size);
    int64_t chunk = inGroup / layout.groups(256);
    int64_t chunkInputs = std::min<int64_t>(256, inputs - chunk * 256);
    int64_t inChunk = inGroup - chunk * layout.groups(256);
    int64_t step = inChunk / 16;
    groups = std::min<int64_t>(16, layout.groups(chunkInputs) - step * 16);
    groupInStep = inChunk % 16;
    int64_t start = first * layout.tileBytes(cols) +
                    tiles * scaleGroup * layout.scaleGroupBytes(size);
    offset =
        start +
        tiles * (chunk * layout.chunkBytes(256) + step * layout.stepBytes(16)) +
        (tile - first) * layout.stepBytes(groups);
    scaleOffset =
        start + tiles * (layout.scaleGroupBytes(inputs) - layout.scaleBytes()) +
        (tile - first) * layout.scaleBytes();
  }
  int64_t scaleGroup, offset, groups, groupInStep, scaleOffset;
};
} // namespace

static int load16(const uint8_t *bytes) { return bytes[0] | bytes[1] << 8; }

/// Reads one code by the text of [T6].
static int readWords(const uint8_t *step, int64_t groups, int64_t group,
                     int64_t row) {
  auto word = [&](int64_t j) { return load16(step + 64 * j + 2 * row); };
  // How many codes are in words, by the number of groups.
  static const int inWords[17] = {0, 0, 2, 3,  3,  5,  6,  6, 6,
                                  9, 9, 9, 12, 12, 12, 15, 15};
  if (group < inWords[groups])
    return word(group / 3) >> (5 * (group % 3)) & 31;
  if (groups == 16) {
    int code = 0;
    for (int64_t j = 0; j < 5; ++j)
      code = 2 * code + (word(j) >> 15);
    return code;
  }
  int byte = step[64 * (inWords[groups] / 3) + row];
  if (group == inWords[groups])
    return byte & 31;
  return word(0) >> 15 << 4 | word(1) >> 15 << 3 | byte >> 5;
}

/// Reads one code by the text of [T7].
static int readNibbles(const uint8_t *step, int64_t groups, int64_t group,
                       int64_t row) {
  static const int64_t quarters[4] = {0, 2, 1, 3};
  int64_t byte = quarters[row / 8] * 8 + row % 8;
  bool isBeside = groups % 2 == 1 && groups < 13;
  int64_t vectors = isBeside ? groups / 2 : (groups + 1) / 2;
  int signs = load16(step + vectors * 32 + 2 * row);
  int nibble = step[group / 2 * 32 + byte] >> (group % 2 * 4) & 15;
  if (isBeside && group == groups - 1)
    nibble = signs & 15;
  return (signs >> (15 - group) & 1) * 16 + nibble;
}

template <typename Fn> static void forLayouts(Fn body) {
  for (CodeOrder order : {CodeOrder::Words, CodeOrder::Nibbles})
    for (ScaleType type : {ScaleType::F16, ScaleType::F32})
      for (int64_t interleave : {1, 4, 8}) {
        for (Granularity g : {Granularity::PerTensor, Granularity::PerChannel})
          for (const Codebook *codebook : kCodebooks)
            body(TernaryLayout{order, type, g, 0, interleave, codebook});
        for (int64_t size : {4, 20, 60, 64, 128, 192, 256, 260, 512})
          for (const Codebook *codebook : kCodebooks)
            body(TernaryLayout{order, type, Granularity::PerGroup, size,
                               interleave, codebook});
      }
}

//===----------------------------------------------------------------------===//
// By hand
//===----------------------------------------------------------------------===//

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

TEST(TernaryPackTest, T1RowsOfTritsRoundTrip) {
  std::mt19937 random(5);
  forLayouts([&](const TernaryLayout &layout) {
    const int64_t cols = 596;
    Matrix matrix(layout, 1, cols, random);
    // Zeros of the last inputs of short groups.
    std::vector<int8_t> trits(cols), again(cols);
    std::vector<uint8_t> codes(matrix.codes.size());
    decodeRow(layout, /*strided=*/false, cols, matrix.codes.data(),
              trits.data());
    ASSERT_TRUE(
        encodeRow(layout, /*strided=*/false, cols, trits.data(), codes.data()));
    decodeRow(layout, /*strided=*/false, cols, codes.data(), again.data());
    ASSERT_EQ(again, trits);
    if (layout.codebook == &k3of4)
      ASSERT_EQ(codes, matrix.codes);
  });
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

//===----------------------------------------------------------------------===//
// Random matrices
//===----------------------------------------------------------------------===//

TEST(TernaryPackTest, T1ToT7EveryCodeAndScaleLiesWhereTheRulesSay) {
  std::mt19937 random(2);
  forLayouts([&](const TernaryLayout &layout) {
    for (int64_t cols : {4, 20, 192, 320, 596}) {
      int64_t rows = 1 + random() % 300;
      Matrix matrix(layout, rows, cols, random);
      std::vector<uint8_t> bytes = matrix.pack();
      int64_t rowGroups = layout.rowGroups(cols);
      int64_t rowScales = layout.rowScales(cols);
      for (int64_t row = 0; row < roundUp(rows, kTileRows); ++row)
        for (int64_t group = 0; group < rowGroups; ++group) {
          StepPlace place(layout, rows, cols, row / 32, group);
          ASSERT_LE(place.scaleOffset + layout.scaleBytes(),
                    int64_t(bytes.size()));
          auto read =
              layout.order == CodeOrder::Words ? readWords : readNibbles;
          int code = read(bytes.data() + place.offset, place.groups,
                          place.groupInStep, row % 32);
          float scale;
          if (layout.scaleType == ScaleType::F16)
            scale = f16ToF32(load16(&bytes[place.scaleOffset + row % 32 * 2]));
          else
            std::memcpy(&scale, &bytes[place.scaleOffset + row % 32 * 4], 4);
          bool present = row < rows; // [T2]
          ASSERT_EQ(code, present ? matrix.codes[row * rowGroups + group] : 0);
          ASSERT_EQ(scale,
                    present ? matrix.scales[row * rowScales + place.scaleGroup]
                            : 0);
        }
    }
  });
}

TEST(TernaryPackTest, T1ToT7RoundTrip) {
  std::mt19937 random(3);
  forLayouts([&](const TernaryLayout &layout) {
    for (int64_t rows : {1, 31, 33, 97, 259})
      for (int64_t cols : {4, 20, 192, 320, 1028}) {
        Matrix matrix(layout, rows, cols, random);
        std::vector<uint8_t> bytes = matrix.pack();
        std::vector<uint8_t> codes(matrix.codes.size());
        std::vector<float> scales(matrix.scales.size());
        unpackTernary(layout, rows, cols, bytes.data(), codes.data(),
                      scales.data());
        ASSERT_EQ(codes, matrix.codes);
        ASSERT_EQ(scales, matrix.scales);
      }
  });
}

TEST(TernaryPackTest, T5SuperTilesStream) {
  std::mt19937 random(4);
  forLayouts([&](const TernaryLayout &layout) {
    int64_t rows = 300, cols = 132, piece = layout.interleave * kTileRows;
    Matrix matrix(layout, rows, cols, random);
    int64_t rowScales = matrix.scales.size() / rows;
    std::vector<uint8_t> bytes;
    for (int64_t row = 0; row < rows; row += piece) {
      int64_t n = std::min(piece, rows - row);
      size_t end = bytes.size();
      bytes.resize(end + layout.bytes(n, cols));
      packTernary(layout, n, cols, &matrix.codes[row * layout.rowGroups(cols)],
                  &matrix.scales[row * rowScales], &bytes[end]);
    }
    ASSERT_EQ(bytes, matrix.pack());
  });
}
