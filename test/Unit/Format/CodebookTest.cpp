//===- CodebookTest.cpp - Rule [C1] ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Codebook.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

using namespace sherry::format;

static uint8_t encode(const Codebook &codebook, const Trits &trits) {
  return codebook.encode(trits.data(), codebook.inputs);
}

/// All numbers out of {-1, 0, 1} for the inputs of a group.
static std::vector<Trits> listTrits(const Codebook &codebook) {
  std::vector<Trits> result(1);
  for (int64_t lane = 0; lane < codebook.inputs; ++lane) {
    std::vector<Trits> longer;
    for (Trits trits : result)
      for (int8_t trit : {-1, 0, 1}) {
        trits[lane] = trit;
        longer.push_back(trits);
      }
    result = std::move(longer);
  }
  return result;
}

TEST(CodebookTest, C1GroupsWithACodeAreThoseOfTheName) {
  for (const Codebook *codebook : kCodebooks) {
    std::set<int> codes;
    for (const Trits &trits : listTrits(*codebook)) {
      int zeros = 0;
      for (int64_t lane = 0; lane < codebook->inputs; ++lane)
        zeros += trits[lane] == 0;
      uint8_t code = encode(*codebook, trits);
      if (codebook->kept != 0 && zeros != codebook->inputs - codebook->kept) {
        EXPECT_EQ(code, kNoCode);
        continue;
      }
      ASSERT_LT(code, codebook->numCodes());
      EXPECT_EQ(codebook->decode(code), trits);
      EXPECT_TRUE(codes.insert(code).second);
    }
    EXPECT_EQ(codes.size(), codebook == &k3of4   ? 32u
                            : codebook == &k2of6 ? 60u
                                                 : 27u);
  }
}

TEST(CodebookTest, C1SignBitNegates) {
  for (const Codebook *codebook : kCodebooks)
    for (int code = 0; code < codebook->numCodes(); ++code)
      for (int lane = 0; lane < kMaxGroupInputs; ++lane)
        EXPECT_EQ(codebook->decode(code)[lane],
                  -codebook->decode(code ^ codebook->signBit())[lane]);
}

TEST(CodebookTest, C1SparseByHand) {
  EXPECT_EQ(k3of4.decode(0), (Trits{0, 1, 1, 1}));
  EXPECT_EQ(k3of4.decode(1), (Trits{0, 1, -1, 1}));
  EXPECT_EQ(k3of4.decode(2), (Trits{0, 1, 1, -1}));
  EXPECT_EQ(k3of4.decode(6), (Trits{1, 0, 1, -1}));
  EXPECT_EQ(k3of4.decode(8), (Trits{1, 1, 0, 1}));
  EXPECT_EQ(k3of4.decode(15), (Trits{1, -1, -1, 0}));
  EXPECT_EQ(k3of4.decode(21), (Trits{-1, 0, 1, -1}));
  EXPECT_EQ(k3of4.decode(31), (Trits{-1, 1, 1, 0}));
}

TEST(CodebookTest, C1TwoOfSixByHand) {
  EXPECT_EQ(k2of6.entries, 30);
  EXPECT_EQ(k2of6.signBit(), 32);
  EXPECT_EQ(k2of6.decode(0), (Trits{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(k2of6.decode(1), (Trits{0, 0, 0, 0, 1, -1}));
  EXPECT_EQ(k2of6.decode(8), (Trits{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(k2of6.decode(10), (Trits{0, 0, 0, 1, 1, 0}));
  EXPECT_EQ(k2of6.decode(29), (Trits{1, -1, 0, 0, 0, 0}));
  EXPECT_EQ(k2of6.decode(32 + 23), (Trits{-1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(k2of6.decode(30), Trits{});
  EXPECT_EQ(k2of6.decode(63), Trits{});
}

TEST(CodebookTest, C1DenseByHand) {
  EXPECT_EQ(kDense.decode(0), (Trits{0, 0, 0}));
  EXPECT_EQ(kDense.decode(1), (Trits{1, 0, 0}));
  EXPECT_EQ(kDense.decode(2), (Trits{-1, 1, 0}));
  EXPECT_EQ(kDense.decode(5), (Trits{-1, -1, 1}));
  EXPECT_EQ(kDense.decode(13), (Trits{1, 1, 1}));
  EXPECT_EQ(kDense.decode(16 + 13), (Trits{-1, -1, -1}));
  EXPECT_EQ(kDense.decode(16 + 6), (Trits{0, 1, -1}));
  // Zeros have one code only, and two numbers are none of a code.
  EXPECT_EQ(encode(kDense, {0, 0, 0}), 0);
  EXPECT_EQ(kDense.decode(14), Trits{});
  EXPECT_EQ(kDense.decode(15), Trits{});
}

TEST(CodebookTest, C1ShortGroup) {
  const int8_t trits[] = {1, -1, 1};
  EXPECT_EQ(kDense.encode(trits, 1), 1);
  EXPECT_EQ(kDense.encode(trits, 2), 16 + 2);
  EXPECT_EQ(kDense.encode(trits, 3), 7);
  EXPECT_EQ(k2of6.encode(trits, 2), 29);
  EXPECT_EQ(k2of6.encode(trits, 3), kNoCode);
}

// Tables elsewhere are computed at compile time.
static_assert(k3of4.decode(21)[0] == -1 && k3of4.decode(21)[1] == 0);
static_assert(findCodebook("dense") == &kDense && !findCodebook("4:4"));
