//===- GgufTest.cpp - Damaged and hostile GGUF files ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole files of all types are tested by test/Integration/gguf.py.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Gguf.h"
#include "TestFiles.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;

namespace {

constexpr uint64_t kHuge = UINT64_MAX - 3;

} // namespace

TEST(GgufTest, RefusesOtherFiles) {
  GgufBytes writer;
  writer.bytes = "GGML\3\0\0\0";
  EXPECT_THAT(writer.message(), mentions("m.gguf", "not a GGUF file"));
  EXPECT_THAT(GgufBytes().header(0, 0, 1).message(),
              mentions("version is 1", "2 and 3"));
  EXPECT_THAT(GgufBytes().header(0, 0, 0x03000000).message(),
              mentions("big-endian"));
  EXPECT_EQ(GgufBytes().header(0, 0, 2).message(), "");
}

TEST(GgufTest, RefusesEveryTruncation) {
  GgufBytes writer;
  writer.header(1, 1).string("general.name").number(8U).string("x");
  writer.tensor("t", {32}, 0, 0).data(128);
  EXPECT_EQ(writer.message(), "");
  for (size_t size = 0; size < writer.bytes.size(); ++size) {
    GgufBytes cut;
    cut.bytes = writer.bytes.substr(0, size);
    EXPECT_NE(cut.message(), "") << size;
  }
}

TEST(GgufTest, RefusesHugeCounts) {
  EXPECT_THAT(GgufBytes().header(kHuge, 0).message(),
              mentions("more than the file can hold"));
  EXPECT_THAT(GgufBytes().header(0, kHuge).message(),
              mentions("more than the file can hold"));
  EXPECT_THAT(GgufBytes().header(0, 1).number(kHuge).data(64).message(),
              mentions("key of value 0", "truncated"));
  for (uint32_t type : {0U, 8U, 12U})
    EXPECT_THAT(GgufBytes()
                    .header(0, 1)
                    .string("k")
                    .number(9U)
                    .number(type)
                    .number(kHuge)
                    .data(64)
                    .message(),
                mentions("\"k\"", "more than the file can hold"));
  EXPECT_THAT(GgufBytes()
                  .header(0, 1)
                  .string("k")
                  .number(9U)
                  .number(9U)
                  .number<uint64_t>(1)
                  .data(64)
                  .message(),
              mentions("array of arrays"));
}

TEST(GgufTest, RefusesImpossibleTensors) {
  auto message = [](std::vector<uint64_t> sizes, uint32_t type,
                    uint64_t offset) {
    return GgufBytes()
        .header(1, 0)
        .tensor("t", std::move(sizes), type, offset)
        .data(256)
        .message();
  };
  EXPECT_EQ(message({64}, 0, 0), "");
  EXPECT_THAT(message({65}, 0, 0), mentions("\"t\"", "file ends after 256"));
  EXPECT_THAT(message({kHuge}, 0, 0), mentions("dimension of"));
  EXPECT_THAT(message({1ULL << 32, 1ULL << 32}, 0, 0), mentions("63 bits"));
  EXPECT_THAT(message({1ULL << 61, 2}, 0, 0), mentions("\"t\""));
  EXPECT_THAT(message({0}, 0, 0), mentions("dimension of 0"));
  EXPECT_THAT(message({}, 0, 0), mentions("0 dimensions"));
  EXPECT_THAT(message({1, 1, 1, 1, 1}, 0, 0), mentions("5 dimensions"));
  EXPECT_THAT(message({33}, 8, 0), mentions("no whole blocks of Q8_0"));
  EXPECT_THAT(message({8}, 0, 16), mentions("alignment 32"));
  EXPECT_THAT(message({8}, 0, 1ULL << 40), mentions("truncated"));
}

TEST(GgufTest, RefusesOverlapsAndNamesThatOccurTwice) {
  EXPECT_THAT(GgufBytes()
                  .header(2, 0)
                  .tensor("a", {16}, 0, 0)
                  .tensor("b", {16}, 0, 32)
                  .data(256)
                  .message(),
              mentions("\"a\"", "\"b\" begins after 32"));
  EXPECT_THAT(GgufBytes()
                  .header(2, 0)
                  .tensor("a", {8}, 0, 0)
                  .tensor("a", {8}, 0, 32)
                  .data(256)
                  .message(),
              mentions("\"a\" occurs twice"));
}

TEST(GgufTest, NamesTypesThatWeightsAreNotReadFrom) {
  for (auto [type, name] :
       {std::pair(10U, "Q2_K"), std::pair(39U, "MXFP4"),
        std::pair(36U, "I2_S (of bitnet.cpp)"), std::pair(99U, "number 99")}) {
    auto file = GgufBytes()
                    .header(1, 0)
                    .tensor("a", {256, 4}, type, 0)
                    .data(4096)
                    .parse();
    ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
    EXPECT_THAT(messageOf((*file)->getTensor("a")),
                mentions("m.gguf: tensor \"a\"", name, "convert it"));
  }
}

TEST(GgufTest, TellsTypesOfTheSameNumberApart) {
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
    EXPECT_EQ(view->getTensorType(), format::TensorType::STQ1_0);
    EXPECT_THAT(view->getShape(), ElementsAre(4, 256));
    auto last = [&](size_t bytes) {
      return GgufBytes()
          .header(1, 0)
          .tensor("a", {256, 4}, type, 0)
          .data(bytes)
          .parse();
    };
    EXPECT_THAT(messageOf(last(164)),
                mentions("\"a\"", "takes 168 bytes", "file ends after 164"));
    EXPECT_EQ(messageOf(last(168 + 64)), "");
    // Q2_0 and NVFP4 take 288 and 576 bytes for these numbers.
    auto other = last(type == 40 ? 576 : 288);
    ASSERT_TRUE(bool(other)) << messageOf(std::move(other));
    std::string message = messageOf((*other)->getTensor("a"));
    if (type == 43)
      EXPECT_EQ(message, "");
    else
      EXPECT_THAT(message, mentions("\"a\"", "convert it"));
  }
}
