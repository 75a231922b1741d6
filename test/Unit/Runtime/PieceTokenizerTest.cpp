//===- PieceTokenizerTest.cpp - Tests of tokenizers of pieces -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"
#include "sherry/support/Error.h"
#include "sherry/text/Tokenizer.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>

using namespace sherry::runtime;
using namespace sherry::test;
using nlohmann::json;
using Tokens = std::vector<int32_t>;

/// Pieces with scores as SentencePiece has them; U+2581 stands for a space.
TEST(Tokenizer, SentencePiece) {
  const char *json = R"({"model":{"type":"SentencePieceBPE","vocab":[
      ["<unk>",0,"unknown"],["<s>",0,"control"],["<0x0A>",0,"byte"],
      ["<0xC3>",0,"byte"],["<0xA4>",0,"byte"],["<0xFF>",0,"byte"],
      ["\u2581",-9,"normal"],["a",-9,"normal"],["b",-9,"normal"],
      ["aa",-1,"normal"],["\u2581a",-2,"normal"],["ab",-3,"normal"],
      ["\u2581\u2581",-4,"normal"],["X",0,"user_defined"]]}})";
  const Tokenizer tokenizer(json, 14, 1, true);
  EXPECT_EQ(tokenizer.encode("", true, false), Tokens({1}));
  // " aa": the pair of the better score first.
  EXPECT_EQ(tokenizer.encode("aa", false, false), Tokens({6, 9}));
  // Equal scores: the leftmost first.
  EXPECT_EQ(tokenizer.encode("aaa", false, false), Tokens({6, 9, 7}));
  EXPECT_EQ(tokenizer.encode("ab", false, false), Tokens({10, 8}));
  EXPECT_EQ(tokenizer.encode("b  ab", false, false), Tokens({6, 8, 6, 10, 8}));
  EXPECT_EQ(tokenizer.encode("   b", false, false), Tokens({12, 12, 8}));
  // The symbol of a space is one.
  EXPECT_EQ(tokenizer.encode("\u2581\u2581 b", false, false),
            Tokens({12, 12, 8}));
  // What has no piece becomes bytes, and bytes without a token unknown.
  EXPECT_EQ(tokenizer.encode("b\n\u00e4", false, false),
            Tokens({6, 8, 2, 3, 4}));
  EXPECT_EQ(tokenizer.encode("b\xff\xfe", false, false), Tokens({6, 8, 5, 0}));
  // A space goes in front again after a token that was found in the text.
  EXPECT_EQ(tokenizer.encode("bXb", false, false), Tokens({6, 8, 13, 6, 8}));
  EXPECT_EQ(tokenizer.encode("<s>", false, true), Tokens({1}));
  EXPECT_EQ(tokenizer.bytes(10), " a");
  EXPECT_TRUE(tokenizer.prefixesSpace());
}

/// What no piece stands for becomes one unknown token, with its neighbours.
TEST(Tokenizer, SentencePieceWithoutBytes) {
  const char *json = R"({"model":{"type":"SentencePieceBPE",
      "add_dummy_prefix":false,"vocab":[
      ["<unk>",0,"unknown"],["\u2581",0,"normal"],["a",0,"normal"],
      ["b",0,"normal"],["b",0,"normal"]]}})";
  const Tokenizer tokenizer(json, 5, std::nullopt, std::nullopt);
  // Of pieces of the same text, the first counts.
  EXPECT_EQ(tokenizer.encode("a\u00e9b", false, false), Tokens({2, 0, 3}));
  EXPECT_EQ(tokenizer.encode("\u00e9\u6f22\xff", false, false), Tokens({0}));
  EXPECT_EQ(tokenizer.encode("\u00e9 \u00e9", false, false), Tokens({0, 1, 0}));
}

namespace {

/// A tokenizer.json that was made from SentencePiece.
json makeConverted() {
  return json::parse(R"({"model":{"type":"BPE","byte_fallback":true,
      "unk_token":"<unk>","vocab":{"<unk>":0,"\u2581":1,"a":2,"\u2581a":3,
      "\u2581\u2581":4,"<0xC3>":5,"<0xA9>":6},
      "merges":["\u2581 a","\u2581 \u2581"]},
      "pre_tokenizer":{"type":"Metaspace","replacement":"\u2581",
      "prepend_scheme":"first","split":false}})");
}

Tokens encodeConverted(const json &config, std::string_view text) {
  return Tokenizer(config.dump(), 8, std::nullopt, std::nullopt)
      .encode(text, false, false);
}

} // namespace

TEST(Tokenizer, UnknownCharactersFuseOnDemand) {
  json config = makeConverted();
  // All bytes or none.
  EXPECT_EQ(encodeConverted(config, "a\u00e9\u00e8\u00e8"),
            Tokens({3, 5, 6, 0, 0}));
  config["model"]["fuse_unk"] = true;
  EXPECT_EQ(encodeConverted(config, "a\u00e9\u00e8\u00e8"),
            Tokens({3, 5, 6, 0}));
}

TEST(Tokenizer, MetaspaceSplits) {
  json config = makeConverted();
  EXPECT_EQ(encodeConverted(config, "a   a"), Tokens({3, 4, 3}));
  config["pre_tokenizer"]["split"] = true;
  EXPECT_EQ(encodeConverted(config, "a   a"), Tokens({3, 1, 1, 3}));
  config["pre_tokenizer"].erase("split"); // true
  EXPECT_EQ(encodeConverted(config, "a   a"), Tokens({3, 1, 1, 3}));
  // A space that is there is not put there again, but by a normalizer.
  EXPECT_EQ(encodeConverted(config, " a"), Tokens({3}));
  config.erase("pre_tokenizer");
  config["normalizer"] = {{"type", "Prepend"}, {"prepend", "\u2581"}};
  EXPECT_EQ(encodeConverted(config, " a"), Tokens({1, 3}));
  EXPECT_EQ(encodeConverted(config, "\u2581a"), Tokens({1, 3}));
}

TEST(Tokenizer, FirstPrefixOnly) {
  json config = json::parse(R"({"model":{"type":"SentencePieceBPE",
      "vocab":[["<unk>",0,"unknown"],["\u2581",0,"normal"],["a",0,"normal"],
      ["\u2581a",1,"normal"],["<s>",0,"control"]]}})");
  auto encode = [&](const char *text) {
    return Tokenizer(config.dump(), 5, std::nullopt, std::nullopt)
        .encode(text, false, true);
  };
  EXPECT_EQ(encode("a<s>a"), Tokens({3, 4, 3}));
  config["model"]["prefix_first_only"] = true;
  EXPECT_EQ(encode("a<s>a"), Tokens({3, 4, 2}));
  EXPECT_EQ(encode("<s>a"), Tokens({4, 2}));
  config["model"]["add_dummy_prefix"] = false;
  EXPECT_EQ(encode("a<s>a"), Tokens({2, 4, 2}));
}
