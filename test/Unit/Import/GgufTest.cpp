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
  EXPECT_THAT(message({33}, 8, 0), mentions("not whole blocks of Q8_0"));
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
