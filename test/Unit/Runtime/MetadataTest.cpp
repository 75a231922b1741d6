//===- MetadataTest.cpp - The description inside a model ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metadata.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"

using namespace sherry::test;
using namespace sherry::runtime;

static std::string metadataError(const std::string &text) {
  try {
    Metadata::parse(text, 100);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST(Metadata, Parses) {
  auto metadata = Metadata::parse(
      R"({"bos_token_id": 1, "eos_token_ids": [2, 99], "add_bos_token": true,
          "vocab_size": 100, "anything": {"else": [null]}})",
      100);
  EXPECT_EQ(metadata.bosToken, 1);
  EXPECT_EQ(metadata.eosTokens, (std::vector<int32_t>{2, 99}));
  EXPECT_EQ(metadata.addBos, true);
  metadata = Metadata::parse(R"({"bos_token_id": null})", 100);
  EXPECT_FALSE(metadata.bosToken || metadata.addBos);
  EXPECT_TRUE(metadata.eosTokens.empty());
}

TEST(Metadata, ThreadsReadTheirSharesOfMatrices) {
  // Two layers of 100 bytes, and a matrix of 7 bytes after them.
  const auto matrices = Metadata::parse(
                            R"({"matrices": [
              {"weight": "q", "offset": 64, "stride": 128, "count": 2, "bytes": 100},
              {"weight": "head", "offset": 320, "stride": 7, "count": 1, "bytes": 7}]})",
                            100)
                            .matrices;
  ASSERT_EQ(matrices.size(), 2U);
  for (const uint64_t layer : {64, 192}) {
    EXPECT_EQ(findReader(matrices, layer, 4), 0U);
    EXPECT_EQ(findReader(matrices, layer + 24, 4), 0U);
    EXPECT_EQ(findReader(matrices, layer + 25, 4), 1U);
    EXPECT_EQ(findReader(matrices, layer + 99, 4), 3U);
    EXPECT_EQ(findReader(matrices, layer + 99, 1), 0U);
    EXPECT_FALSE(findReader(matrices, layer - 1, 4));
    EXPECT_FALSE(findReader(matrices, layer + 100, 4));
  }
  EXPECT_EQ(findReader(matrices, 326, 1024), 6 * 1024 / 7);
  EXPECT_FALSE(findReader(matrices, 327, 2));
  EXPECT_FALSE(findReader({}, 0, 2));
}

TEST(Metadata, NamesTheWrongField) {
  EXPECT_CONTAINS(metadataError("{"), "metadata: ");
  EXPECT_CONTAINS(metadataError("\xff"), "metadata: ");
  EXPECT_CONTAINS(metadataError("[1]"), "not a JSON object");
  EXPECT_CONTAINS(metadataError(std::string(1000000, '[')), "metadata: ");
  for (const char *text :
       {R"({"bos_token_id": 100})", R"({"bos_token_id": -1})",
        R"({"bos_token_id": "1"})", R"({"bos_token_id": 1.5})",
        R"({"bos_token_id": 18446744073709551615})"})
    EXPECT_CONTAINS(metadataError(text), "\"bos_token_id\"");
  EXPECT_CONTAINS(metadataError(R"({"eos_token_ids": 1})"),
                  "\"eos_token_ids\"");
  EXPECT_CONTAINS(metadataError(R"({"eos_token_ids": [1, 100]})"),
                  "\"eos_token_ids\"");
  EXPECT_CONTAINS(metadataError(R"({"add_bos_token": 1})"),
                  "\"add_bos_token\"");
  EXPECT_CONTAINS(metadataError(R"({"vocab_size": "100"})"), "\"vocab_size\"");
  EXPECT_CONTAINS(metadataError(R"({"matrices": 1})"), "\"matrices\"");
  EXPECT_CONTAINS(metadataError(R"({"matrices": [1]})"), "\"matrices\"");
  for (const char *stride : {"0", "-1", "1.5", "281474976710656", "null"})
    EXPECT_CONTAINS(
        metadataError(std::string(R"({"matrices": [{"offset": 0, "count": 1,
            "bytes": 1, "stride": )") +
                      stride + "}]}"),
        "\"matrices\": \"stride\"");
}
