//===- QuantizeBlock.cpp - Rounds weights to blocks with scales -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule [Q4] of docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"

#include <cmath>

using namespace sherry::format;

/// Rounds a value of magnitude below 2^22 to the nearest integer, ties to even:
/// around 1.5 * 2^23, f32 numbers are 1 apart.
static int32_t roundToInt(float value) {
  constexpr float magic = 0x1.8p23f;
  return static_cast<int32_t>(floatBits(value + magic) - floatBits(magic));
}

/// round(value / scale) within [low, high]; 0 if the scale is 0.
static int32_t divideAndRound(float value, float scale, float low, float high) {
  return scale == 0 ? 0 : roundToInt(std::clamp(value / scale, low, high));
}

/// The first of the values of largest magnitude.
static float findExtreme(const float *values, int64_t count) {
  float extreme = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme))
      extreme = values[i];
  return extreme;
}

StoredBlock sherry::format::quantizeBlock(const QuantFormat &format,
                                          const float *weights,
                                          int64_t inputs) {
  auto smallest = static_cast<float>(format.smallest());
  auto largest = static_cast<float>(format.largest());
  int64_t blocks = ceilDiv(inputs, format.blockInputs);
  auto inputsOf = [&](int64_t block) {
    return std::min(format.blockInputs, inputs - block * format.blockInputs);
  };
  float wished[kQ6_K.superInputs / kQ6_K.blockInputs] = {};
  for (int64_t block = 0; block < blocks; ++block) {
    float extreme =
        findExtreme(weights + block * format.blockInputs, inputsOf(block));
    // Most formats use their additional negative integer.
    wished[block] = format.isSymmetric() ? std::fabs(extreme) / largest
                                         : 0 - extreme / -smallest;
  }
  StoredBlock result;
  result.d = f16ToF32(f32ToF16(
      format.hasFactors() ? 0 - findExtreme(wished, blocks) / 128 : wished[0]));
  for (int64_t block = 0; block < blocks; ++block) {
    float scale = result.d;
    if (format.hasFactors()) {
      int32_t factor = divideAndRound(wished[block], scale, -128, 127);
      result.factors[block] = static_cast<int8_t>(factor);
      scale *= static_cast<float>(factor);
    }
    int64_t begin = block * format.blockInputs;
    for (int64_t i = begin; i < begin + inputsOf(block); ++i)
      result.integers[i] = static_cast<int8_t>(
          divideAndRound(weights[i], scale, smallest, largest));
  }
  return result;
}
