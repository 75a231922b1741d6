//===- VectorMath.h - Loops that vectorize ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions without branches, and sums in a fixed order: the compiler turns
// them into vector code of any width with the same results.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_VECTORMATH_H
#define SHERRY_LIB_TRAINING_VECTORMATH_H

#include <cstdint>

namespace sherry::training {

/// exp(x) with a relative error below 2e-7; x is clamped to [-87, 88].
inline float fastExp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  // x = n ln 2 + r with |r| <= ln 2 / 2: next to 1.5 * 2^23, floats are the
  // integers.
  constexpr float toInteger = 0x1.8p23f, inverseLn2 = 1.44269504f;
  constexpr float ln2High = 0.693359375f, ln2Low = -2.12194440e-4f;
  float n = x * inverseLn2 + toInteger;
  auto bits = __builtin_bit_cast(uint32_t, n);
  n -= toInteger;
  float r = x - n * ln2High - n * ln2Low;
  // Taylor's series up to r^7.
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1;
  p = p * r + 1;
  // 2^n: the exponent is in the low bits of the integer.
  return p * __builtin_bit_cast(float, (bits + 127u) << 23);
}

/// The sum of term(i) for i < count, in 16 parts.
template <typename Term> inline float vectorSum(int64_t count, Term term) {
  constexpr int64_t width = 16;
  float parts[width] = {};
  int64_t i = 0;
  for (; i + width <= count; i += width)
    for (int64_t lane = 0; lane < width; ++lane)
      parts[lane] += term(i + lane);
  for (; i < count; ++i)
    parts[i % width] += term(i);
  for (int64_t half = width / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      parts[lane] += parts[lane + half];
  return parts[0];
}

/// The largest of value(i) for i < count.
template <typename Value>
inline float vectorMax(int64_t count, float least, Value value) {
  constexpr int64_t width = 16;
  float parts[width];
  for (float &part : parts)
    part = least;
  int64_t i = 0;
  for (; i + width <= count; i += width)
    for (int64_t lane = 0; lane < width; ++lane) {
      float x = value(i + lane);
      parts[lane] = x > parts[lane] ? x : parts[lane];
    }
  for (; i < count; ++i) {
    float x = value(i);
    parts[0] = x > parts[0] ? x : parts[0];
  }
  float result = parts[0];
  for (float part : parts)
    result = part > result ? part : result;
  return result;
}

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_VECTORMATH_H
