//===- GgufTypesTest.cpp - Types of tensors in GGUF files -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "sherry/Import/Gguf.h"

using namespace sherry;
using namespace sherry::test;
using format::TensorType;
using testing::ElementsAre;

namespace {

/// A file of one matrix of 256 columns, and if `isFollowed` of one number
/// behind the `room` bytes of that.
GgufBytes makeFile(uint32_t type, uint64_t rows, uint64_t room,
                   bool isFollowed = false) {
  GgufBytes file;
  file.header(isFollowed ? 2 : 1, 0).tensor("a", {256, rows}, type, 0);
  if (isFollowed)
    file.tensor("b", {1}, 0, room);
  return file.data(room + (isFollowed ? 4 : 0));
}

/// The type of "a", or what is wrong.
std::string typeOf(const GgufBytes &bytes) {
  auto file = bytes.parse();
  if (!file)
    return llvm::toString(file.takeError());
  auto view = (*file)->getTensor("a");
  return view ? format::infoOf(view->getTensorType()).name
              : llvm::toString(view.takeError());
}

} // namespace

TEST(GgufTypesTest, NamesTypesThatWeightsAreNotReadFrom) {
  for (auto [type, name] :
       {std::pair(10U, "Q2_K"), std::pair(38U, "TL1"),
        std::pair(39U, "MXFP4 (or TL2"), std::pair(99U, "number 99")})
    EXPECT_THAT(typeOf(makeFile(type, 4, 4096)),
                mentions("m.gguf: tensor \"a\"", name, "I2_S", "convert it"));
}

TEST(GgufTypesTest, TellsSTQ1_0Apart) {
  for (uint32_t type : {40U, 42U, 43U}) {
    auto file = GgufBytes()
                    .header(2, 0)
                    .tensor("a", {256, 4}, type, 0)
                    .tensor("b", {256}, 0, 192)
                    .data(192 + 1024)
                    .parse();
    ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
    auto view = (*file)->getTensor("a");
    ASSERT_TRUE(bool(view)) << messageOf(std::move(view));
    EXPECT_EQ(view->getTensorType(), TensorType::STQ1_0);
    EXPECT_THAT(view->getShape(), ElementsAre(4, 256));
    EXPECT_THAT(makeFile(type, 4, 164).message(),
                mentions("\"a\"", "takes 168 bytes", "file ends after 164"));
    EXPECT_EQ(typeOf(makeFile(type, 4, 168 + 64)), "STQ1_0");
  }
  EXPECT_THAT(typeOf(makeFile(40, 4, 576)), mentions("NVFP4", "convert it"));
}

TEST(GgufTypesTest, TellsBlocksOfQ2_0Apart) {
  for (bool isFollowed : {false, true}) {
    EXPECT_EQ(typeOf(makeFile(42, 16, 16 * 72, isFollowed)), "Q2_0");
    EXPECT_EQ(typeOf(makeFile(42, 16, 16 * 68, isFollowed)), "PQ2_0");
    EXPECT_EQ(typeOf(makeFile(42, 16, 16 * 42, isFollowed)), "STQ1_0");
  }
  EXPECT_EQ(typeOf(makeFile(142, 16, 16 * 68)), "PQ2_0");
  EXPECT_EQ(typeOf(makeFile(143, 16, 16 * 56)), "PTQ1_0");
  // Neither, and both.
  EXPECT_THAT(typeOf(makeFile(42, 16, 1120, true)),
              mentions("672 bytes as STQ1_0", "1088 as PQ2_0", "1152 as Q2_0",
                       "\"b\" begins after 1120"));
  EXPECT_THAT(typeOf(makeFile(42, 4, 288, true)),
              mentions("too small", "PQ2_0 or Q2_0"));
  EXPECT_THAT(
      GgufBytes().header(1, 0).tensor("a", {33}, 42, 0).data(64).message(),
      mentions("rows of 33 are not whole blocks of Q2_0"));
}

TEST(GgufTypesTest, TensorsOfAFileShareALayoutOfQ2_0) {
  // The first alone could be of both.
  auto makeTwo = [](uint64_t secondBytes) {
    return GgufBytes()
        .header(2, 0)
        .tensor("a", {256, 4}, 42, 0)
        .tensor("b", {256, 16}, 42, 288)
        .data(288 + secondBytes);
  };
  EXPECT_EQ(typeOf(makeTwo(16 * 72)), "Q2_0");
  EXPECT_EQ(typeOf(makeTwo(16 * 68)), "PQ2_0");
  EXPECT_THAT(makeTwo(16 * 68 - 32).message(),
              mentions("\"b\"", "1088 as PQ2_0", "file ends after 1056"));
}

TEST(GgufTypesTest, RefusesScalesBehindTheNumbers) {
  GgufBytes file = makeFile(42, 16, 16 * 68);
  size_t begin = file.bytes.size() - 16 * 68;
  for (size_t i = 0; i < 32; ++i) {
    file.bytes[begin + 34 * i] = file.bytes[begin + 34 * i + 1] = '\xa9';
    file.bytes[begin + 34 * i + 33] = '\x28';
  }
  EXPECT_THAT(typeOf(file), mentions("\"a\"", "scales behind the numbers"));
}

TEST(GgufTypesTest, ReadsI2_S) {
  GgufBytes file = makeFile(36, 2, 128 + 32);
  size_t begin = file.bytes.size() - 160;
  // Bits 7 and 6 of byte i of a block are weight i.
  file.bytes[begin] = '\x80';
  file.bytes[begin + 96] = '\x54';
  float scale = 0.1F;
  memcpy(&file.bytes[begin + 128], &scale, sizeof(scale));
  auto parsed = file.parse();
  ASSERT_TRUE(bool(parsed)) << messageOf(std::move(parsed));
  auto view = (*parsed)->getTensor("a");
  ASSERT_TRUE(bool(view)) << messageOf(std::move(view));
  EXPECT_EQ(view->getTensorType(), TensorType::I2_S);
  std::vector<float> rows(512);
  ASSERT_EQ(messageOf(view->readRows(0, 2, rows.data())), "");
  EXPECT_EQ(rows[0], scale);
  EXPECT_EQ(rows[1], -scale);
  // Second block of the second row: codes 1, 1, 1 and 0.
  EXPECT_EQ(rows[384], 0);
  EXPECT_EQ(rows[384 + 64], 0);
  EXPECT_EQ(rows[384 + 96], -scale);

  std::vector<uint8_t> copy(view->getRowBytes());
  ASSERT_EQ(copy.size(), 72U);
  view->copyRows(1, 1, copy.data());
  EXPECT_EQ(copy[36], 0x54);
  for (size_t place : {32, 68})
    EXPECT_EQ(memcmp(&copy[place], &scale, sizeof(scale)), 0);
}

TEST(GgufTypesTest, RefusesOtherSizesOfI2_S) {
  EXPECT_THAT(typeOf(makeFile(36, 2, 128)),
              mentions("takes 160 bytes", "if that is I2_S", "after 128"));
  // The type that has had the number before takes 18 bytes for 32 numbers.
  EXPECT_THAT(typeOf(makeFile(36, 2, 288)),
              mentions("takes 160 bytes", "if that is I2_S", "after 288"));
  EXPECT_THAT(
      GgufBytes().header(1, 0).tensor("a", {64, 2}, 36, 0).data(64).message(),
      mentions("rows of 64 are not whole blocks of I2_S"));
  EXPECT_THAT(GgufBytes()
                  .header(1, 0)
                  .tensor("a", {1ULL << 31, 1ULL << 31}, 36, 0)
                  .data(64)
                  .message(),
              mentions("\"a\" takes"));
  EXPECT_THAT(GgufBytes()
                  .header(1, 0)
                  .tensor("a", {1ULL << 31, 1ULL << 31}, 42, 0)
                  .data(64)
                  .message(),
              mentions("\"a\" takes"));
}
