//===- WeightPackerTest.cpp - Packing and writing weights -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightPacker.h"
#include "sherry/Format/Pack.h"
#include "sherry/Weights/WeightsWriter.h"

#include <gmock/gmock.h>

using namespace sherry;
using format::DenseFormat;

namespace {
constexpr int64_t kCols = 128;

class WeightPackerTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(bool(matrix.check(source)));
    ASSERT_FALSE(bool(matrix.read(source, 0, 80, numbers.data())));
  }

  /// The bytes that a WeightPacker makes.
  std::vector<uint8_t> pack(const WeightType &type) {
    WeightPacker packer(matrix, type, source);
    EXPECT_FALSE(bool(packer.prepare()));
    std::vector<uint8_t> result;
    for (int64_t row = 0; row < 80; row += packer.getRowsAtOnce()) {
      size_t before = result.size();
      int64_t rows = std::min(packer.getRowsAtOnce(), 80 - row);
      result.resize(before + packer.getBytes(rows));
      EXPECT_FALSE(bool(packer.pack(row, result.data() + before)));
    }
    return result;
  }

  WeightSource source{uint64_t{5}};
  /// Slices that end inside tiles.
  WeightMatrix matrix{{{"a", 40, 0, 40}, {"b", 40, 0, 40}}, kCols};
  std::vector<float> numbers = std::vector<float>(80 * kCols);
};
} // namespace

TEST_F(WeightPackerTest, ReadsSlicesOneBelowTheOther) {
  EXPECT_EQ(matrix.getRows(), 80);
  EXPECT_EQ(matrix.describe(), "tensor a, b");
  std::vector<float> rows(2 * kCols), b(kCols);
  ASSERT_FALSE(bool(matrix.read(source, 39, 2, rows.data())));
  ASSERT_FALSE(bool(source.readRows("b", {40, kCols}, 0, 1, b.data())));
  rows.erase(rows.begin(), rows.begin() + kCols);
  EXPECT_EQ(rows, b);
}

TEST_F(WeightPackerTest, PacksNumbers) {
  std::vector<uint8_t> expected(format::bytesOf(DenseFormat::BF16, 80, kCols));
  ASSERT_FALSE(format::packNumbers(DenseFormat::BF16, 0, 80, kCols,
                                   numbers.data(), expected.data()));
  EXPECT_EQ(pack(DenseFormat::BF16), expected);
}

TEST_F(WeightPackerTest, PacksBlocks) {
  std::vector<uint8_t> expected(format::kQ8_0.bytes(80, kCols));
  ASSERT_FALSE(format::packBlocks(format::kQ8_0, 0, 80, kCols, numbers.data(),
                                  expected.data()));
  EXPECT_EQ(pack(DenseFormat::Q8_0), expected);
}

TEST_F(WeightPackerTest, PacksTrits) {
  for (auto granularity :
       {format::Granularity::PerTensor, format::Granularity::PerChannel,
        format::Granularity::PerGroup}) {
    TernaryWeights type;
    type.layout.granularity = granularity;
    type.layout.groupSize = 64;
    type.layout.interleave = 2;
    format::Quantizer quantizer(type.layout, kCols);
    if (quantizer.needsFirstPass()) {
      ASSERT_FALSE(quantizer.accumulateRows(0, 80, numbers.data()));
    }
    std::vector<uint8_t> codes(80 * kCols / 4);
    std::vector<float> scales(80 * quantizer.scaleGroups());
    ASSERT_FALSE(quantizer.quantizeRows(0, 80, numbers.data(), codes.data(),
                                        scales.data()));
    std::vector<uint8_t> expected(type.layout.bytes(80, kCols));
    format::packTernary(type.layout, 80, kCols, codes.data(), scales.data(),
                        expected.data());
    EXPECT_EQ(pack(type), expected);
  }
}

TEST_F(WeightPackerTest, WritesZerosBetweenMatrices) {
  PlacedMatrix placed{WeightMatrix::makeVector({"v", 4, 0, 4}),
                      DenseFormat::F32, 8};
  ASSERT_FALSE(bool(placed.matrix.check(source)));
  std::string text;
  llvm::raw_string_ostream out(text);
  uint64_t written = 0;
  auto progress = [&](uint64_t bytes) { written = bytes; };
  ASSERT_FALSE(bool(writeWeights({placed}, 32, source, out, progress)));
  const float ones[] = {1, 1, 1, 1};
  std::string expected(32, '\0');
  std::memcpy(&expected[8], ones, sizeof(ones));
  EXPECT_EQ(text, expected);
  EXPECT_EQ(written, 24u);
}
