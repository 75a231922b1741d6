//===- CodecTest.cpp - Rule [C1] ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Codec.h"

#include <gtest/gtest.h>

#include <set>

using namespace sherry::format;

using Trits = std::array<int8_t, 4>;

TEST(CodecTest, C1EveryCodeRoundTrips) {
  for (int code = 0; code < kNumCodes; ++code)
    EXPECT_EQ(encodeGroup(decodeGroup(code).data()), code);
}

TEST(CodecTest, C1EveryGroupRoundTrips) {
  std::set<int> codes;
  for (int zero = 0; zero < 4; ++zero)
    for (int signs = 0; signs < 8; ++signs) {
      Trits trits{};
      for (int lane = 0, kept = 0; lane < 4; ++lane)
        if (lane != zero)
          trits[lane] = signs >> kept++ & 1 ? -1 : 1;
      codes.insert(encodeGroup(trits.data()));
      EXPECT_EQ(decodeGroup(encodeGroup(trits.data())), trits);
    }
  EXPECT_EQ(codes.size(), 32u);
  EXPECT_EQ(*codes.rbegin(), 31);
}

TEST(CodecTest, C1HandComputed) {
  EXPECT_EQ(decodeGroup(0), (Trits{0, 1, 1, 1}));
  EXPECT_EQ(decodeGroup(1), (Trits{0, 1, -1, 1}));
  EXPECT_EQ(decodeGroup(2), (Trits{0, 1, 1, -1}));
  EXPECT_EQ(decodeGroup(6), (Trits{1, 0, 1, -1}));
  EXPECT_EQ(decodeGroup(8), (Trits{1, 1, 0, 1}));
  EXPECT_EQ(decodeGroup(15), (Trits{1, -1, -1, 0}));
  EXPECT_EQ(decodeGroup(21), (Trits{-1, 0, 1, -1}));
  EXPECT_EQ(decodeGroup(31), (Trits{-1, 1, 1, 0}));
}

TEST(CodecTest, C1SignBitNegates) {
  for (int code = 0; code < kNumCodes; ++code)
    for (int lane = 0; lane < 4; ++lane)
      EXPECT_EQ(decodeGroup(code)[lane], -decodeGroup(code ^ kSignBit)[lane]);
}

// Tables elsewhere are computed at compile time.
static_assert(decodeGroup(21)[0] == -1 && decodeGroup(21)[1] == 0);
