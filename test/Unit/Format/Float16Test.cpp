//===- Float16Test.cpp - f16 and bf16 conversions -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace sherry::format;

static constexpr float kInf = std::numeric_limits<float>::infinity();

/// The value of a finite f16 by the definition of IEEE 754 binary16.
static double valueOfF16(int bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double value = exponent == 0 ? std::ldexp(mantissa, -24)
                               : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

TEST(Float16Test, EveryF16Widens) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    float value = f16ToF32(bits);
    EXPECT_EQ(std::signbit(value), bits >= 0x8000) << bits;
    if ((bits & 0x7fff) > 0x7c00)
      EXPECT_TRUE(std::isnan(value)) << bits;
    else if ((bits & 0x7fff) == 0x7c00)
      EXPECT_EQ(std::fabs(value), kInf) << bits;
    else
      EXPECT_EQ(value, valueOfF16(bits)) << bits;
  }
}

TEST(Float16Test, EveryF16RoundTrips) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    int back = f32ToF16(f16ToF32(bits));
    if ((bits & 0x7fff) > 0x7c00) // quiet, payload kept
      EXPECT_EQ(back, bits | 0x200);
    else
      EXPECT_EQ(back, bits);
  }
}

TEST(Float16Test, F16RoundsToNearestEven) {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    // 65536 stands for the value after the largest.
    float low = f16ToF32(bits);
    float high = bits == 0x7bff ? 65536.0f : f16ToF32(bits + 1);
    float middle = low + (high - low) / 2;
    EXPECT_EQ(f32ToF16(middle), bits + (bits & 1)) << bits;
    EXPECT_EQ(f32ToF16(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(f32ToF16(std::nextafter(middle, kInf)), bits + 1);
    EXPECT_EQ(f32ToF16(-middle), 0x8000 | (bits + (bits & 1)));
  }
  EXPECT_EQ(f32ToF16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(f32ToF16(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(f32ToF16(-0.0f), 0x8000);
}

TEST(Float16Test, EveryBf16RoundTrips) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    EXPECT_EQ(floatBits(bf16ToF32(bits)), uint32_t(bits) << 16);
    int back = f32ToBf16(bf16ToF32(bits));
    if ((bits & 0x7fff) > 0x7f80)
      EXPECT_EQ(back, bits | 0x40);
    else
      EXPECT_EQ(back, bits);
  }
}

TEST(Float16Test, Bf16RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f80; ++bits) {
    uint32_t middle = bits << 16 | 0x8000;
    EXPECT_EQ(f32ToBf16(floatFromBits(middle)), bits + (bits & 1));
    EXPECT_EQ(f32ToBf16(floatFromBits(middle - 1)), bits);
    EXPECT_EQ(f32ToBf16(floatFromBits(middle + 1)), bits + 1);
  }
  // A NaN whose payload lies in the bits that are cut off.
  EXPECT_TRUE(std::isnan(bf16ToF32(f32ToBf16(floatFromBits(0x7f800001)))));
}
