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
      code = random() % layout.codebook->numCodes();
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

/// How many codes are in words [T6], by the number of groups.
static const int inWords[17] = {0, 0, 2, 3,  3,  5,  6,  6, 6,
                                9, 9, 9, 12, 12, 12, 15, 15};

/// Reads one code by the text of [T6].
static int readWords(const uint8_t *step, int64_t groups, int64_t group,
                     int64_t row) {
  auto word = [&](int64_t j) { return load16(step + 64 * j + 2 * row); };
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

/// Reads one code, with its sign if that lies apart.
static int readCode(const TernaryLayout &layout, const uint8_t *step,
                    int64_t groups, int64_t group, int64_t row) {
  bool isWords = layout.order == CodeOrder::Words;
  int code = (isWords ? readWords : readNibbles)(step, groups, group, row);
  if (layout.codebook != &k2of6)
    return code;
  bool hasByte = groups < 16 && groups > inWords[groups];
  bool isBeside = groups % 2 == 1 && groups < 13;
  int64_t size = isWords ? (inWords[groups] + 2) / 3 * 64 + (hasByte ? 32 : 0)
                         : (isBeside ? groups / 2 : (groups + 1) / 2) * 32 + 64;
  int signs = load16(step + size + 2 * row);
  return (signs >> (15 - group) & 1) * 32 + code;
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

TEST(TernaryPackTest, T1RowsOfTritsRoundTrip) {
  std::mt19937 random(5);
  forLayouts([&](const TernaryLayout &layout) {
    // Not all numbers of 6 bits are codes, nor all codes those of short groups.
    if (layout.codebook == &k2of6)
      return;
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
    if (layout.codebook == &k3of4) {
      ASSERT_EQ(codes, matrix.codes);
    }
  });
}

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
          int code = readCode(layout, bytes.data() + place.offset, place.groups,
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
