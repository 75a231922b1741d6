//===- DensePack.cpp - Dense weights to packed bytes and back -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <cmath>

using namespace sherry::format;

//===----------------------------------------------------------------------===//
// [D1] bf16
//===----------------------------------------------------------------------===//

Failure sherry::format::packBf16(int64_t firstRow, int64_t rows, int64_t cols,
                                 const float *weights, uint8_t *bytes) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  uint32_t largest = 0;
  for (int64_t i = 0; i < rows * cols; ++i)
    largest = std::max(largest, floatBits(weights[i]) & 0x7fffffff);
  if (f32ToBf16(floatFromBits(largest)) == 0x7f80)
    return "a weight in rows " + std::to_string(firstRow) + " to " +
           std::to_string(firstRow + rows - 1) +
           " is too large for bf16; the checkpoint is damaged, export it again";

  for (int64_t tile = 0; tile * kTileRows < rows; ++tile) {
    const float *from = weights + tile * kTileRows * cols;
    int64_t present = rowsOfTile(tile, rows);
    for (int64_t col = 0; col < cols; ++col, bytes += 2 * kTileRows)
      for (int64_t row = 0; row < kTileRows; ++row)
        store<uint16_t>(bytes, row,
                        row < present ? f32ToBf16(from[row * cols + col]) : 0);
  }
  return {};
}

void sherry::format::unpackBf16(int64_t rows, int64_t cols,
                                const uint8_t *bytes, float *weights) {
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *tile = bytes + row / kTileRows * kTileRows * cols * 2;
    for (int64_t col = 0; col < cols; ++col)
      *weights++ =
          bf16ToF32(load<uint16_t>(tile, col * kTileRows + row % kTileRows));
  }
}

//===----------------------------------------------------------------------===//
// [Q1] to [Q4] blocks with scales
//===----------------------------------------------------------------------===//

/// Rounds a value of magnitude below 2^22 to the nearest integer, ties to even:
/// next to 1.5 * 2^23 the spacing of f32 is 1.
static int32_t roundToInt(float value) {
  constexpr float magic = 0x1.8p23f;
  return static_cast<int32_t>(floatBits(value + magic) - floatBits(magic));
}

/// round(value / scale) within [low, high]; 0 if the scale is.
static int32_t divideAndRound(float value, float scale, float low, float high) {
  return scale == 0 ? 0 : roundToInt(std::clamp(value / scale, low, high));
}

/// Of the values of largest magnitude the first.
static float findExtreme(const float *values, int64_t count) {
  float extreme = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme))
      extreme = values[i];
  return extreme;
}

namespace {

/// The part of a tile that one super-block takes.
class SuperBlock {
public:
  SuperBlock(const BlockFormat &format, int64_t inputs)
      : format(format), inputs(inputs) {}

  /// [Q4] Quantizes one row. Returns d as f16.
  uint16_t pack(const float *weights, int64_t row, uint8_t *bytes) const;
  void packPadding(int64_t row, uint8_t *bytes) const;
  void unpack(int64_t row, const uint8_t *bytes, float *weights) const;

private:
  int64_t blocks() const { return ceilDiv(inputs, format.blockInputs); }
  int64_t inputsOf(int64_t block) const {
    return std::min(format.blockInputs, inputs - block * format.blockInputs);
  }
  int64_t factorPlace(int64_t block, int64_t row) const {
    return format.planeBytes(inputs) + block * kTileRows + row;
  }
  int64_t dPlace() const {
    return format.planeBytes(inputs) + format.factorBytes(inputs);
  }
  /// Where the low bits and, if that is not all, the upper bits of an integer
  /// lie.
  struct Place {
    int64_t low, upper;
    int lowShift, upperShift;
  };
  Place place(int64_t block, int64_t input, int64_t row) const;
  unsigned lowMask() const { return 0xff >> (8 - 8 / format.planeGroups()); }
  void storeInteger(uint8_t *bytes, const Place &place, int64_t value) const;
  int64_t loadInteger(const uint8_t *bytes, const Place &place) const;

  const BlockFormat &format;
  int64_t inputs;
};

} // namespace

SuperBlock::Place SuperBlock::place(int64_t block, int64_t input,
                                    int64_t row) const {
  int64_t group = input / kGroupInputs;
  int64_t at = block * format.blockBytes(format.blockInputs) +
               row * kGroupInputs + input % kGroupInputs;
  int64_t shared = format.planeGroups();
  return {at + (format.upperPlanes() + group / shared) * format.kPlaneBytes, at,
          static_cast<int>(group % shared * (8 / shared)),
          static_cast<int>(group * 2)};
}

/// The bits have to be zero.
void SuperBlock::storeInteger(uint8_t *bytes, const Place &place,
                              int64_t value) const {
  auto stored = static_cast<unsigned>(value + format.bias());
  bytes[place.low] |= (stored & lowMask()) << place.lowShift;
  if (format.bits == 6)
    bytes[place.upper] |= stored >> 4 << place.upperShift;
}

int64_t SuperBlock::loadInteger(const uint8_t *bytes,
                                const Place &place) const {
  unsigned stored = bytes[place.low] >> place.lowShift & lowMask();
  if (format.bits == 6)
    stored |= (bytes[place.upper] >> place.upperShift & 3) << 4;
  return static_cast<int64_t>(stored) - format.bias();
}

uint16_t SuperBlock::pack(const float *weights, int64_t row,
                          uint8_t *bytes) const {
  auto smallest = static_cast<float>(format.smallest());
  auto largest = static_cast<float>(format.largest());
  float wished[kQ6_K.superInputs / kQ6_K.blockInputs];
  for (int64_t block = 0; block < blocks(); ++block) {
    float extreme =
        findExtreme(weights + block * format.blockInputs, inputsOf(block));
    // Most formats use the one integer more that is negative.
    wished[block] = format.isSymmetric() ? std::fabs(extreme) / largest
                                         : 0 - extreme / -smallest;
  }
  uint16_t stored =
      f32ToF16(format.hasFactors() ? 0 - findExtreme(wished, blocks()) / 128
                                   : wished[0]);
  float d = f16ToF32(stored);
  store(bytes + dPlace(), row, stored);
  for (int64_t block = 0; block < blocks(); ++block) {
    float scale = d;
    if (format.hasFactors()) {
      int32_t factor = divideAndRound(wished[block], d, -128, 127);
      bytes[factorPlace(block, row)] = static_cast<uint8_t>(factor);
      scale = d * static_cast<float>(factor);
    }
    const float *from = weights + block * format.blockInputs;
    for (int64_t i = 0; i < inputsOf(block); ++i)
      storeInteger(bytes, place(block, i, row),
                   divideAndRound(from[i], scale, smallest, largest));
  }
  return stored;
}

void SuperBlock::packPadding(int64_t row, uint8_t *bytes) const {
  for (int64_t block = 0; block < blocks(); ++block)
    for (int64_t i = 0; i < inputsOf(block); ++i)
      storeInteger(bytes, place(block, i, row), 0);
}

void SuperBlock::unpack(int64_t row, const uint8_t *bytes,
                        float *weights) const {
  float d = f16ToF32(load<uint16_t>(bytes + dPlace(), row));
  for (int64_t block = 0; block < blocks(); ++block) {
    float scale = d;
    if (format.hasFactors())
      scale *= static_cast<int8_t>(bytes[factorPlace(block, row)]);
    for (int64_t i = 0; i < inputsOf(block); ++i)
      *weights++ =
          scale * static_cast<float>(loadInteger(bytes, place(block, i, row)));
  }
}

Failure sherry::format::packBlocks(const BlockFormat &format, int64_t firstRow,
                                   int64_t rows, int64_t cols,
                                   const float *weights, uint8_t *bytes) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  std::memset(bytes, 0, format.bytes(rows, cols));
  for (int64_t tile = 0; tile * kTileRows < rows; ++tile) {
    const float *from = weights + tile * kTileRows * cols;
    int64_t present = rowsOfTile(tile, rows);
    for (int64_t col = 0; col < cols; col += format.superInputs) {
      int64_t inputs = std::min(format.superInputs, cols - col);
      SuperBlock super(format, inputs);
      for (int64_t row = 0; row < present; ++row)
        if ((super.pack(from + row * cols + col, row, bytes) & 0x7fff) ==
            0x7c00)
          return "row " + std::to_string(firstRow + tile * kTileRows + row) +
                 ", column " + std::to_string(col) +
                 ": weights from here on are too large for " + format.name +
                 "; compile with --head=bf16";
      for (int64_t row = present; row < kTileRows; ++row)
        super.packPadding(row, bytes);
      bytes += format.superBytes(inputs);
    }
  }
  return {};
}

void sherry::format::unpackBlocks(const BlockFormat &format, int64_t rows,
                                  int64_t cols, const uint8_t *bytes,
                                  float *weights) {
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *at = bytes + row / kTileRows * format.tileBytes(cols);
    for (int64_t col = 0; col < cols; col += format.superInputs) {
      int64_t inputs = std::min(format.superInputs, cols - col);
      SuperBlock(format, inputs).unpack(row % kTileRows, at, weights);
      weights += inputs;
      at += format.superBytes(inputs);
    }
  }
}
