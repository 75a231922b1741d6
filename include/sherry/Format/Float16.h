//===- Float16.h - f16 and bf16 as bit patterns -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between f32 and the 16-bit types of checkpoints and formats, on
// CPUs with and without instructions for them. All are exact or round to the
// nearest, ties to even; NaN stays NaN.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_FLOAT16_H
#define SHERRY_FORMAT_FLOAT16_H

#include <cstdint>

namespace sherry::format {

constexpr uint32_t floatBits(float value) {
  return __builtin_bit_cast(uint32_t, value);
}
constexpr float floatFromBits(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}

constexpr float bf16ToF32(uint16_t value) {
  return floatFromBits(static_cast<uint32_t>(value) << 16);
}

/// Finite values beyond the largest bf16 become infinities.
constexpr uint16_t f32ToBf16(float value) {
  uint32_t bits = floatBits(value);
  bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
  // The extra bit keeps a NaN a NaN if its payload is cut off.
  return (isNaN ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

constexpr float f16ToF32(uint16_t value) {
  uint32_t magnitude = value & 0x7fff, sign = (value & 0x8000u) << 16;
  // 2^112 moves the exponent bias from 15 to 127, also for subnormals.
  uint32_t bits = floatBits(floatFromBits(magnitude << 13) * 0x1p112f);
  if (magnitude >= 0x7c00)
    bits = magnitude << 13 | 0x7f800000;
  return floatFromBits(bits | sign);
}

/// Values of magnitude 65520 and above become infinities.
constexpr uint16_t f32ToF16(float value) {
  uint32_t bits = floatBits(value), magnitude = bits & 0x7fffffff;
  uint32_t result = 0;
  if (magnitude > 0x7f800000)
    result = 0x7e00 | (magnitude >> 13 & 0x3ff);
  else if (magnitude >= floatBits(0x1p16f))
    result = 0x7c00;
  else if (magnitude < floatBits(0x1p-14f))
    // Above 0.5, f32 numbers are 2^-24 apart, as f16 subnormals are.
    result = floatBits(floatFromBits(magnitude) + 0.5f) - floatBits(0.5f);
  else
    result = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  return result | (bits >> 16 & 0x8000);
}

} // namespace sherry::format

#endif // SHERRY_FORMAT_FLOAT16_H
