//===- TernaryTypesTest.cpp - Trits in model files ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocks were worked out by hand from the definitions. Weight j is
// (floor(j * j / 7) mod 3 - 1) * 0.5; 0.5 is 00 38 in f16.
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"
#include "sherry/Format/TensorType.h"

#include <cstring>
#include <gmock/gmock.h>
#include <limits>

using namespace sherry::format;
using testing::HasSubstr;

namespace {

struct WorkedBlock {
  TensorType type;
  const char *hex;
};

constexpr WorkedBlock kBlocks[] = {
    {TensorType::Q2_0, "00384062a892180089a14a620024862a8901"},
    {TensorType::PQ2_0, "00384062a892180089a14a620024862a8901"
                        "9018aa24064062a892180089a14a6200"},
    {TensorType::PTQ1_0, "1a501e68c409c65f22ecadeccb0ba4e4"
                         "f856453206554396e41d0038"},
    {TensorType::I2_S,
     "2220055aa00aa550088888888116688229944222222220055aa00aa5"
     "500888880000003f"},
    {TensorType::TQ2_0,
     "880850a50aa05a0520222222429429826816818888880850a50aa05a05202222"
     "50a50aa05a0520222222429429826816818888880850a50aa05a0520222222420038"},
    {TensorType::TQ1_0,
     "403a0f8ce61bf17416c0c0beaf2fa2b451d15c4040403a0f8ce61bf17416c0c0"
     "0ba4e44eef59364c1a501e68c409c65fbed1e4ae0038"}};

std::vector<uint8_t> parseHex(const std::string &hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(
        static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

int tritOf(int64_t j) { return static_cast<int>(j * j / 7 % 3) - 1; }

/// A block of Q2_0 with this scale: a number of 2 bits for each weight.
std::vector<uint8_t> makeQ2_0(float scale, uint8_t codes) {
  std::vector<uint8_t> bytes(18, codes);
  uint16_t bits = f32ToF16(scale);
  bytes[0] = static_cast<uint8_t>(bits);
  bytes[1] = static_cast<uint8_t>(bits >> 8);
  return bytes;
}

std::vector<uint8_t> join(std::vector<uint8_t> a,
                          const std::vector<uint8_t> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Reads a row as trits without a pattern and returns its weights; the message
/// if that fails.
std::string readDense(TensorType type, const std::vector<uint8_t> &bytes,
                      int64_t cols, int64_t scaleInputs,
                      std::vector<float> &weights) {
  TernaryLayout layout;
  layout.codebook = &kDense;
  layout.groupSize = scaleInputs;
  std::vector<uint8_t> codes(layout.rowGroups(cols));
  std::vector<float> scales(layout.rowScales(cols));
  if (auto failure =
          readTernaryRows(layout, type, /*strided=*/false, /*firstRow=*/7, 1,
                          cols, bytes.data(), codes.data(), scales.data()))
    return *failure;
  std::vector<int8_t> trits(cols);
  decodeRow(layout, /*strided=*/false, cols, codes.data(), trits.data());
  weights.resize(cols);
  for (int64_t i = 0; i < cols; ++i)
    weights[i] = static_cast<float>(trits[i]) * scales[i / scaleInputs];
  return "";
}

} // namespace

TEST(TernaryTypesTest, G4_ReadsWorkedBlocks) {
  for (const WorkedBlock &worked : kBlocks) {
    const TensorTypeInfo &info = infoOf(worked.type);
    SCOPED_TRACE(info.name);
    std::vector<uint8_t> bytes = parseHex(worked.hex);
    ASSERT_EQ(bytes.size(), static_cast<size_t>(info.blockBytes));
    StoredBlock block;
    readBlock(worked.type, bytes.data(), block);
    EXPECT_EQ(block.d, 0.5F);
    EXPECT_EQ(readScale(worked.type, bytes.data()), 0.5F);
    std::vector<float> row(info.blockInputs);
    readRow(worked.type, bytes.data(), info.blockInputs, row.data());
    for (int64_t j = 0; j < info.blockInputs; ++j) {
      EXPECT_EQ(block.integers[j], tritOf(j)) << j;
      EXPECT_EQ(row[j], static_cast<float>(tritOf(j)) * 0.5F) << j;
    }
    if (!canWrite(worked.type))
      continue;
    std::vector<uint8_t> written(bytes.size());
    writeTernaryBlock(worked.type, block.integers, 0x3800, written.data());
    EXPECT_EQ(written, bytes);
  }
}

TEST(TernaryTypesTest, G4_WorkedBlocksAsCodes) {
  for (const WorkedBlock &worked : kBlocks) {
    const TensorTypeInfo &info = infoOf(worked.type);
    SCOPED_TRACE(info.name);
    std::vector<float> weights;
    ASSERT_EQ(readDense(worked.type, parseHex(worked.hex), info.blockInputs,
                        info.blockInputs, weights),
              "");
    for (int64_t j = 0; j < info.blockInputs; ++j)
      EXPECT_EQ(weights[j], static_cast<float>(tritOf(j)) * 0.5F) << j;
  }
}

TEST(TernaryTypesTest, G4_CodesThatAreNotWritten) {
  // 3 is +2 in Q2_0 and 0 in I2_S.
  StoredBlock block;
  readBlock(TensorType::Q2_0, makeQ2_0(1, 0xff).data(), block);
  EXPECT_THAT(std::vector<int8_t>(block.integers, block.integers + 64),
              testing::Each(2));
  std::vector<uint8_t> bytes(36, 0xff);
  readBlock(TensorType::I2_S, bytes.data(), block);
  EXPECT_THAT(std::vector<int8_t>(block.integers, block.integers + 128),
              testing::Each(0));
}

TEST(TernaryTypesTest, G4_I2_SKeepsScalesThatF16DoesNotHold) {
  constexpr float scale = 0.1F;
  std::vector<uint8_t> bytes = parseHex(kBlocks[3].hex);
  std::memcpy(&bytes[32], &scale, sizeof(scale));
  bytes = join(bytes, bytes);
  std::vector<float> weights;
  ASSERT_EQ(readDense(TensorType::I2_S, bytes, 256, 256, weights), "");
  for (int64_t j = 0; j < 256; ++j)
    EXPECT_EQ(weights[j], static_cast<float>(tritOf(j % 128)) * scale) << j;
}

TEST(TernaryTypesTest, G4_ScalesOfNeighbours) {
  std::vector<uint8_t> half = makeQ2_0(0.5F, 0xa2);
  std::vector<uint8_t> same = join(half, half);
  std::vector<uint8_t> other = join(half, makeQ2_0(0.25F, 0xa2));
  std::vector<float> weights;
  EXPECT_EQ(readDense(TensorType::Q2_0, same, 128, 128, weights), "");
  EXPECT_THAT(readDense(TensorType::Q2_0, other, 128, 128, weights),
              HasSubstr("row 7: weights that must share a scale"));
  ASSERT_EQ(readDense(TensorType::Q2_0, other, 128, 64, weights), "");
  EXPECT_EQ(weights[0], 0.5F);
  EXPECT_EQ(weights[1], -0.5F);
  EXPECT_EQ(weights[64], 0.25F);
}

TEST(TernaryTypesTest, G4_SparseTrits) {
  // 0xa1: 0, -1, +1, +1
  std::vector<uint8_t> first = makeQ2_0(0.5F, 0xa1);
  std::vector<uint8_t> second = makeQ2_0(0.25F, 0xa1);
  uint8_t codes[44];
  float scales[4];
  TernaryLayout layout;
  // What is wrong.
  auto read = [&](const std::vector<uint8_t> &bytes, int64_t scaleInputs) {
    layout.groupSize = scaleInputs;
    Failure failure =
        readTernaryRows(layout, TensorType::Q2_0, /*strided=*/false,
                        /*firstRow=*/7, 1, 128, bytes.data(), codes, scales);
    return failure ? *failure : std::string();
  };
  ASSERT_EQ(read(join(first, second), 64), "");
  EXPECT_EQ(scales[0], 0.5F);
  EXPECT_EQ(scales[1], 0.25F);
  EXPECT_THAT(read(join(first, second), 128),
              HasSubstr("row 7: weights that must share a scale"));
  EXPECT_EQ(read(join(first, first), 128), "");
  ASSERT_EQ(read(join(first, second), 32), "");
  EXPECT_EQ(scales[1], 0.5F);
  EXPECT_EQ(scales[2], 0.25F);
  // 0x91: 0, -1, 0, +1
  std::vector<uint8_t> other = makeQ2_0(0.5F, 0x91);
  EXPECT_THAT(read(join(first, other), 64), HasSubstr("is not 3:4"));
  // 0xe1: 0, -1, +1, +2
  std::vector<uint8_t> two = makeQ2_0(0.5F, 0xe1);
  EXPECT_THAT(read(join(first, two), 64),
              HasSubstr("row 7: column 67: the weight is 2 times"));
  layout.codebook = &kDense;
  EXPECT_EQ(read(join(first, other), 64), "");
  EXPECT_THAT(read(join(two, first), 64), HasSubstr("is 2 times"));
}
