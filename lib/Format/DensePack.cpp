//===- DensePack.cpp - bf16 and q8_0 weights to packed bytes and back -----===//
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
// [Q1], [Q2] q8_0
//===----------------------------------------------------------------------===//

/// Rounds a value of magnitude below 2^22 to the nearest integer, ties to even:
/// next to 1.5 * 2^23 the spacing of f32 is 1.
static int32_t roundToInt(float value) {
  constexpr float magic = 0x1.8p23f;
  return static_cast<int32_t>(floatBits(value + magic) - floatBits(magic));
}

/// Packs one row's block; `bytes` is where its first group goes. Returns the
/// scale as f16.
static uint16_t packQ8Block(const float *weights, int64_t inputs,
                            uint8_t *bytes) {
  float largest = 0;
  for (int64_t i = 0; i < inputs; ++i)
    largest = std::max(largest, std::fabs(weights[i]));
  uint16_t stored = f32ToF16(largest / 127);
  float scale = f16ToF32(stored);
  for (int64_t i = 0; i < inputs; i += kGroupInputs, bytes += 4 * kTileRows)
    for (int64_t lane = 0; lane < kGroupInputs; ++lane) {
      float ratio = scale > 0 ? weights[i + lane] / scale : 0;
      bytes[lane] = 128 + roundToInt(std::clamp(ratio, -127.0f, 127.0f));
    }
  return stored;
}

Failure sherry::format::packQ8(int64_t firstRow, int64_t rows, int64_t cols,
                               const float *weights, uint8_t *bytes) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  for (int64_t tile = 0; tile * kTileRows < rows; ++tile) {
    const float *from = weights + tile * kTileRows * cols;
    int64_t present = rowsOfTile(tile, rows);
    for (int64_t col = 0; col < cols; col += kQ8BlockInputs) {
      int64_t inputs = std::min(kQ8BlockInputs, cols - col);
      uint8_t *scales = bytes + kTileRows * inputs;
      if (present < kTileRows) {
        std::memset(bytes, 128, kTileRows * inputs);
        std::memset(scales, 0, kTileRows * 2);
      }
      for (int64_t row = 0; row < present; ++row) {
        uint16_t scale =
            packQ8Block(from + row * cols + col, inputs, bytes + 4 * row);
        if (scale == 0x7c00)
          return "row " + std::to_string(firstRow + tile * kTileRows + row) +
                 ", column " + std::to_string(col) +
                 ": weights from here on are too large for q8_0; compile with "
                 "--head=bf16";
        store(scales, row, scale);
      }
      bytes += q8BlockBytes(inputs);
    }
  }
  return {};
}

void sherry::format::unpackQ8(int64_t rows, int64_t cols, const uint8_t *bytes,
                              float *weights) {
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *block = bytes + row / kTileRows * q8TileBytes(cols);
    for (int64_t col = 0; col < cols; col += kQ8BlockInputs) {
      int64_t inputs = std::min(kQ8BlockInputs, cols - col);
      float scale =
          f16ToF32(load<uint16_t>(block + kTileRows * inputs, row % kTileRows));
      for (int64_t i = 0; i < inputs; ++i) {
        int64_t group = i / kGroupInputs * kTileRows + row % kTileRows;
        *weights++ = scale * (block[4 * group + i % 4] - 128);
      }
      block += q8BlockBytes(inputs);
    }
  }
}
