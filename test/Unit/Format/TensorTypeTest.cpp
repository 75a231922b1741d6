//===- TensorTypeTest.cpp - Types of model files --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules [G1] and [G2] of docs/BlockFormat.md. Files of every type, written by
// an independent encoder, are tested by test/Integration/gguf.py.
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/TensorType.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include "gtest/gtest.h"

#include <random>
#include <vector>

using namespace sherry::format;

/// Random blocks of STQ1_0: every bit pattern is one.
static std::vector<uint8_t> makeBlocks(int64_t count, std::mt19937 &random) {
  std::vector<uint8_t> bytes(count * infoOf(TensorType::STQ1_0).blockBytes);
  for (uint8_t &byte : bytes)
    byte = static_cast<uint8_t>(random());
  for (int64_t i = 0; i < count; ++i) {
    uint16_t scale =
        f32ToF16(0.01F + static_cast<float>(random() % 1000) / 1e4F);
    bytes[42 * i + 40] = scale & 0xff;
    bytes[42 * i + 41] = scale >> 8;
  }
  return bytes;
}

TEST(TensorTypeTest, G1_PackedBlocksHaveTheTritsAndScalesOfTheFile) {
  constexpr int64_t rows = 37, cols = 512, blocks = rows * cols / 256;
  std::mt19937 random(7);
  std::vector<uint8_t> stored = makeBlocks(blocks, random);
  for (CodeOrder order : {CodeOrder::Words, CodeOrder::Nibbles}) {
    TernaryLayout layout;
    layout.order = order;
    layout.groupSize = 256;
    std::vector<uint8_t> codes(rows * cols / 4);
    std::vector<float> scales(blocks);
    ASSERT_FALSE(readTernaryRows(layout, TensorType::STQ1_0, /*strided=*/true,
                                 /*firstRow=*/0, rows, cols, stored.data(),
                                 codes.data(), scales.data()));
    std::vector<uint8_t> packed(layout.bytes(rows, cols));
    packTernary(layout, rows, cols, codes.data(), scales.data(), packed.data());
    std::vector<uint8_t> unpackedCodes(codes.size());
    std::vector<float> unpackedScales(scales.size());
    unpackTernary(layout, rows, cols, packed.data(), unpackedCodes.data(),
                  unpackedScales.data());
    for (int64_t block = 0; block < blocks; ++block) {
      std::vector<uint8_t> written(42);
      int8_t trits[256];
      for (int group = 0; group < 64; ++group)
        for (int lane = 0; lane < 4; ++lane)
          trits[group / 16 * 64 + group % 16 + 16 * lane] =
              k3of4.decode(unpackedCodes[64 * block + group])[lane];
      writeTernaryBlock(TensorType::STQ1_0, trits,
                        f32ToF16(unpackedScales[block]), written.data());
      EXPECT_EQ(written, std::vector<uint8_t>(stored.begin() + 42 * block,
                                              stored.begin() + 42 * block + 42))
          << "block " << block;
    }
  }
}

TEST(TensorTypeTest, G1_StridedTritsHaveNoContiguousPattern) {
  std::mt19937 random(8);
  std::vector<uint8_t> stored = makeBlocks(1, random);
  std::vector<uint8_t> codes(64);
  float scale;
  TernaryLayout layout;
  layout.groupSize = 256;
  EXPECT_TRUE(readTernaryRows(layout, TensorType::STQ1_0, /*strided=*/false,
                              /*firstRow=*/0, 1, 256, stored.data(),
                              codes.data(), &scale));
}

TEST(TensorTypeTest, G2_WrittenBlocksReadAsWhatPackBlocksMakes) {
  constexpr int64_t rows = 3, cols = 512;
  std::mt19937 random(9);
  std::vector<float> numbers(rows * cols);
  for (float &number : numbers)
    number = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31F;
  for (auto [storage, format] : {std::pair(TensorType::Q8_0, &kQ8_0),
                                 std::pair(TensorType::Q6_K, &kQ6_K),
                                 std::pair(TensorType::Q4_0, &kQ4_0)}) {
    SCOPED_TRACE(infoOf(storage).name);
    int64_t rowBytes = infoOf(storage).rowBytes(cols);
    std::vector<uint8_t> stored(rows * rowBytes);
    std::vector<float> read(rows * cols);
    for (int64_t row = 0; row < rows; ++row) {
      writeRow(storage, &numbers[row * cols], cols, &stored[row * rowBytes]);
      readRow(storage, &stored[row * rowBytes], cols, &read[row * cols]);
    }
    std::vector<uint8_t> packed(format->bytes(rows, cols)), direct(packed);
    ASSERT_TRUE(canPackStored(*format, storage));
    std::vector<StoredRow> storedRows;
    for (int64_t row = 0; row < rows; ++row)
      storedRows.push_back({storage, &stored[row * rowBytes]});
    ASSERT_FALSE(packStoredBlocks(*format, 0, rows, cols, storedRows.data(),
                                  packed.data()));
    ASSERT_FALSE(
        packBlocks(*format, 0, rows, cols, numbers.data(), direct.data()));
    EXPECT_EQ(packed, direct);
    std::vector<float> unpacked(rows * cols);
    unpackBlocks(*format, rows, cols, packed.data(), unpacked.data());
    EXPECT_EQ(unpacked, read);
  }
}

/// A block of 32 numbers: these bytes in front, then numbers of four bits:
/// number i is i mod 16, and 15 - i mod 16 in the second half.
static std::vector<uint8_t> makeBlockOf32(std::vector<uint8_t> front) {
  for (int i = 0; i < 16; ++i)
    front.push_back(static_cast<uint8_t>(i | (15 - i) << 4));
  return front;
}

static int lowBits(int i) { return i < 16 ? i : 31 - i; }

/// 0x3800 is 0.5 in f16, 0xc000 is -2. The fifth bits of the numbers 1, 16 and
/// 31 are set by 0x80010002.
TEST(TensorTypeTest, G2_Q5_0AndIQ4_NLByHand) {
  std::vector<uint8_t> bytes =
      makeBlockOf32({0x00, 0x38, 0x02, 0x00, 0x01, 0x80});
  ASSERT_EQ(bytes.size(), size_t(infoOf(TensorType::Q5_0).blockBytes));
  StoredBlock block;
  readBlock(TensorType::Q5_0, bytes.data(), block);
  EXPECT_EQ(block.d, 0.5F);
  float row[32];
  readRow(TensorType::Q5_0, bytes.data(), 32, row);
  for (int i = 0; i < 32; ++i) {
    int integer = lowBits(i) + (i == 1 || i == 16 || i == 31 ? 0 : -16);
    EXPECT_EQ(block.integers[i], integer) << i;
    EXPECT_EQ(row[i], 0.5F * static_cast<float>(integer)) << i;
  }

  bytes = makeBlockOf32({0x00, 0xc0});
  ASSERT_EQ(bytes.size(), size_t(infoOf(TensorType::IQ4_NL).blockBytes));
  readBlock(TensorType::IQ4_NL, bytes.data(), block);
  EXPECT_EQ(block.d, -2);
  constexpr int levels[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                            1,    13,   25,  38,  53,  69,  89,  113};
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(block.integers[i], levels[lowBits(i)]) << i;
}

TEST(TensorTypeTest, G3_Q4_1AndQ5_1ByHand) {
  float row[32];
  std::vector<uint8_t> bytes = makeBlockOf32({0x00, 0x38, 0x00, 0xc0});
  ASSERT_EQ(bytes.size(), size_t(infoOf(TensorType::Q4_1).blockBytes));
  readRow(TensorType::Q4_1, bytes.data(), 32, row);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(row[i], 0.5F * static_cast<float>(lowBits(i)) - 2) << i;

  bytes = makeBlockOf32({0x00, 0x38, 0x00, 0xc0, 0x02, 0x00, 0x01, 0x80});
  ASSERT_EQ(bytes.size(), size_t(infoOf(TensorType::Q5_1).blockBytes));
  readRow(TensorType::Q5_1, bytes.data(), 32, row);
  for (int i = 0; i < 32; ++i) {
    int number = lowBits(i) + (i == 1 || i == 16 || i == 31 ? 16 : 0);
    EXPECT_EQ(row[i], 0.5F * static_cast<float>(number) - 2) << i;
  }
}

TEST(TensorTypeTest, G2_RowsOfSeveralTypesBecomeQ8_0AsTheyAre) {
  constexpr int64_t cols = 96;
  std::mt19937 random(12);
  std::vector<StoredRow> rows;
  std::vector<std::vector<uint8_t>> stored;
  std::vector<float> expected;
  for (TensorType storage : {TensorType::Q5_0, TensorType::Q8_0,
                             TensorType::IQ4_NL, TensorType::Q5_0}) {
    const TensorTypeInfo &info = infoOf(storage);
    std::vector<uint8_t> bytes(info.rowBytes(cols));
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(random() % 255 + 1);
    for (int64_t i = 0; i < cols / 32; ++i) {
      bytes[i * info.blockBytes] = 0; // scales of 1, 2 and 4
      bytes[i * info.blockBytes + 1] = static_cast<uint8_t>(0x3c + 4 * i);
    }
    std::vector<float> numbers(cols);
    readRow(storage, bytes.data(), cols, numbers.data());
    expected.insert(expected.end(), numbers.begin(), numbers.end());
    stored.push_back(bytes);
    rows.push_back({storage, nullptr});
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].bytes = stored[i].data();
    ASSERT_TRUE(canPackStored(kQ8_0, rows[i].storage));
  }
  auto count = static_cast<int64_t>(rows.size());
  std::vector<uint8_t> packed(kQ8_0.bytes(count, cols));
  ASSERT_FALSE(
      packStoredBlocks(kQ8_0, 0, count, cols, rows.data(), packed.data()));
  std::vector<float> unpacked(expected.size());
  unpackBlocks(kQ8_0, count, cols, packed.data(), unpacked.data());
  EXPECT_EQ(unpacked, expected);
}

TEST(TensorTypeTest, G2_TritsAreReadAsTheyAreWritten) {
  std::mt19937 random(11);
  for (TensorType storage :
       {TensorType::TQ1_0, TensorType::TQ2_0, TensorType::Q2_0}) {
    std::vector<int8_t> trits(infoOf(storage).blockInputs);
    for (int8_t &trit : trits)
      trit = static_cast<int8_t>(random() % 3 - 1);
    std::vector<uint8_t> bytes(infoOf(storage).blockBytes, 0xff);
    writeTernaryBlock(storage, trits.data(), f32ToF16(0.25F), bytes.data());
    StoredBlock block;
    readBlock(storage, bytes.data(), block);
    EXPECT_EQ(block.d, 0.25F);
    EXPECT_EQ(
        std::vector<int8_t>(block.integers, block.integers + trits.size()),
        trits);
  }
}
