//===- TokenizerConfigTest.cpp - Tests with wrong tokenizers --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/TokenizerConfig.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"
#include "sherry/text/ByteLevel.h"

#include <nlohmann/json.hpp>

using namespace sherry::runtime;
using namespace sherry::test;
using nlohmann::json;

static std::string parseError(std::string_view text) {
  try {
    TokenizerConfig::parse(text, 262);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

namespace {

class TokenizerConfigTest : public testing::Test {
protected:
  /// Expects an error that begins with `message` for a tokenizer with `value`
  /// at `pointer`.
  void expectWrong(const char *pointer, const json &value,
                   const std::string &message) {
    json wrong = good;
    wrong[json::json_pointer(pointer)] = value;
    EXPECT_EQ(parseError(wrong.dump()).substr(0, message.size() + 11),
              "tokenizer: " + message)
        << parseError(wrong.dump());
  }
  void expectRight(const char *pointer, const json &value) {
    json changed = good;
    changed[json::json_pointer(pointer)] = value;
    EXPECT_EQ(parseError(changed.dump()), "");
  }

  const std::string text =
      readBytes(sourcePath("test/Unit/Runtime/Inputs/demo-tokenizer.json"));
  const json good = json::parse(text);
};

} // namespace

TEST_F(TokenizerConfigTest, Good) {
  auto config = TokenizerConfig::parse(text, 262);
  ASSERT_EQ(config.tokens.size(), 262U);
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(config.tokens[byte].bytes, std::string(1, char(byte)));
    EXPECT_EQ(config.tokens[byte].kind, TokenKind::Text);
  }
  EXPECT_EQ(config.tokens[258].bytes, " the");
  EXPECT_EQ(config.tokens[260].kind, TokenKind::Special);
  ASSERT_EQ(config.merges.size(), 4U);
  EXPECT_EQ(config.merges[1].left, 256);
  EXPECT_EQ(config.merges[1].right, 'e');
  EXPECT_EQ(config.merges[1].result, 257);
  EXPECT_FALSE(config.firstToken);
}

TEST_F(TokenizerConfigTest, MergesInBothSpellings) {
  expectRight("/model/merges/0", "t h");
  expectRight("/model/merges/2", "\u0120 the");
}

TEST_F(TokenizerConfigTest, NotJson) {
  for (const char *wrong : {"", "x", "{", "{\"a\":\"\xff\"}"})
    EXPECT_CONTAINS(parseError(wrong), "tokenizer: ");
  EXPECT_EQ(parseError("[]"), "tokenizer: not a JSON object");
  EXPECT_NE(parseError(std::string(1000000, '[')), "");
  std::string deep(1000000, '[');
  deep.append(deep.size(), ']');
  EXPECT_EQ(parseError(deep), "tokenizer: not a JSON object");
  for (size_t size = 0; size < text.size(); size += 7)
    EXPECT_NE(parseError(std::string_view(text).substr(0, size)), "");
}

// To write such a value into the message would overflow the stack.
TEST_F(TokenizerConfigTest, DeepValuesOfFields) {
  std::string deep(1000000, '[');
  deep.append(deep.size(), ']');
  EXPECT_EQ(parseError(R"({"model":{"type":)" + deep + "}}"),
            "tokenizer: field \"model.type\": must be a string");
  EXPECT_CONTAINS(parseError(R"({"model":{"vocab":{"a":)" + deep + "}}}"),
                  "the token id array is not in [0, 262)");
}

TEST_F(TokenizerConfigTest, MissingOrWrongFields) {
  EXPECT_CONTAINS(parseError("{}"), "field \"model\": must be an object");
  expectWrong("/model", 1, "field \"model\": must be");
  expectWrong("/model/vocab", nullptr, "field \"model.vocab\": is missing");
  expectWrong("/model/vocab", json::array(), "field \"model.vocab\": must be");
  expectWrong("/model/merges", nullptr, "field \"model.merges\": must be");
  expectWrong("/model/merges", "th", "field \"model.merges\": must be");
  expectWrong("/model/ignore_merges", 1, "field \"model.ignore_merges\": must");
  expectWrong("/added_tokens", 1, "field \"added_tokens\": must be");
  expectWrong("/added_tokens/0", 1, "field \"added_tokens[0].content\": must");
  expectWrong("/added_tokens/0/special", "no",
              "field \"added_tokens[0].special\": must be");
  expectWrong("/pre_tokenizer", nullptr, "field \"pre_tokenizer\": has no");
  expectWrong("/pre_tokenizer", 1, "field \"pre_tokenizer.type\": must be");
  expectWrong("/pre_tokenizer/use_regex", 1,
              "field \"pre_tokenizer.use_regex\": must be");
}

TEST_F(TokenizerConfigTest, Ids) {
  const char *mismatch = "field \"model.vocab[\"a\"]\": the token id";
  expectWrong("/model/vocab/a", 262, mismatch);
  expectWrong("/model/vocab/a", -1, mismatch);
  expectWrong("/model/vocab/a", 1.5, mismatch);
  expectWrong("/model/vocab/a", 1e300, mismatch);
  expectWrong("/model/vocab/a", "97", mismatch);
  expectWrong("/model/vocab/a", UINT64_MAX, mismatch);
  EXPECT_CONTAINS(parseError(R"({"model":{"vocab":{"a":262},"merges":[]}})"),
                  "does not match the vocabulary of the model");
  expectWrong("/model/vocab/a", 98,
              "field \"model.vocab\": the tokens \"a\" and \"b\" have the same "
              "id 98");
  expectWrong("/added_tokens/0/id", 262, "field \"added_tokens[0].id\": the");
  expectWrong("/added_tokens/0/id", nullptr,
              "field \"added_tokens[0].id\": the token id null");
  expectWrong("/added_tokens/0/id", 97,
              "field \"added_tokens[0].id\": another token");
  expectWrong("/added_tokens/0/id", 261,
              "field \"added_tokens[1].id\": another token");
  expectWrong("/added_tokens/1/content", "<|bos|>",
              "field \"added_tokens[1].content\": is empty or there already");
  expectWrong("/added_tokens/1/content", "",
              "field \"added_tokens[1].content\": is empty");
  expectWrong("/added_tokens/1/content", std::string(1025, 'x'),
              "field \"added_tokens[1].content\": has more than 1024");
}

TEST_F(TokenizerConfigTest, AddedTokenOfTheVocabulary) {
  json changed = good;
  changed["model"]["vocab"]["<|bos|>"] = 260;
  EXPECT_EQ(parseError(changed.dump()), "");
}

TEST_F(TokenizerConfigTest, Merges) {
  for (const json &merge :
       {json("t"), json(""), json(" t"), json("t "), json(1), json::array(),
        json({"t", "h", "e"}), json({"t", 1}), json({"t", ""})})
    expectWrong("/model/merges/0", merge,
                "field \"model.merges[0]\": must be two tokens");
  expectWrong("/model/merges/0", "t zz",
              "field \"model.merges[0]\": the token \"zz\" is not in");
  expectWrong("/model/merges/3", "b c",
              "field \"model.merges[3]\": the token \"bc\" is not in");
}

TEST_F(TokenizerConfigTest, UnsupportedKindsAreNamed) {
  expectWrong("/model/type", "Unigram",
              "field \"model.type\": \"Unigram\" is not supported");
  expectWrong("/model/type", "WordPiece",
              "field \"model.type\": \"WordPiece\" is not supported");
  expectWrong("/model/byte_fallback", true,
              "field \"pre_tokenizer.type\": \"ByteLevel\" is not supported");
  expectWrong("/model/end_of_word_suffix", "</w>",
              "field \"model.end_of_word_suffix\": is not");
  expectWrong("/model/dropout", 0.1, "field \"model.dropout\": is not");
  expectRight("/normalizer", {{"type", "NFC"}});
  expectWrong("/normalizer", {{"type", "NFKC"}},
              "field \"normalizer.type\": \"NFKC\" is not supported");
  auto sequence = [](const char *list, std::initializer_list<json> steps) {
    return json{{"type", "Sequence"}, {list, json::array_t(steps)}};
  };
  // As DeepSeek's tokenizers have it.
  expectRight("/normalizer", sequence("normalizers", {}));
  expectRight("/normalizer", sequence("normalizers", {{{"type", "NFC"}}}));
  expectWrong("/normalizer",
              sequence("normalizers", {{{"type", "NFC"}}, {{"type", "NFD"}}}),
              "field \"normalizer.normalizers[1].type\": \"NFD\" is not");
  expectRight("/decoder", sequence("decoders", {{{"type", "ByteLevel"}}}));
  expectRight("/decoder", sequence("decoders", {}));
  expectWrong(
      "/decoder",
      sequence("decoders", {{{"type", "ByteLevel"}}, {{"type", "Fuse"}}}),
      "field \"decoder.decoders[1].type\": \"Fuse\" is not");
  expectWrong(
      "/decoder",
      sequence("decoders", {{{"type", "ByteLevel"}}, {{"type", "ByteLevel"}}}),
      "field \"decoder.decoders[1].type\": \"ByteLevel\" is not");
  expectWrong("/pre_tokenizer", {{"type", "Metaspace"}},
              "field \"pre_tokenizer.type\": \"Metaspace\" is not");
  expectWrong("/decoder", {{"type", "Metaspace"}},
              "field \"decoder.type\": \"Metaspace\" is not");
  expectWrong("/post_processor", {{"type", "BertProcessing"}},
              "field \"post_processor.type\": \"BertProcessing\" is not");
  expectRight("/added_tokens/0/single_word", true);
  expectWrong("/added_tokens/0/single_word", 1,
              "field \"added_tokens[0].single_word\": must be");
  expectRight("/model/dropout", 0);
  expectRight("/model/continuing_subword_prefix", "");
  expectRight("/decoder", nullptr);
}

// What is long is refused soon, and in little memory.
TEST(TokenizerConfig, HostilePieces) {
  auto makePieces = [](size_t count, auto makePiece) {
    json vocab = json::array();
    for (size_t i = 0; i < count; ++i)
      vocab.push_back({makePiece(i), 0, "normal"});
    return json{{"model", {{"type", "SentencePieceBPE"}, {"vocab", vocab}}}}
        .dump();
  };
  auto errorOf = [](const std::string &text) {
    try {
      TokenizerConfig::parse(text, 1 << 24);
    } catch (const Error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  std::string spaces;
  for (int i = 0; i < 500000; ++i)
    spaces += "\u2581";
  EXPECT_EQ(
      errorOf(makePieces(1, [&](size_t) { return spaces; })),
      "tokenizer: field \"model.vocab[0]\": pieces of more than 1024 bytes "
      "are not supported");
  // Every cut of every piece is a merge.
  constexpr size_t lengths = 300;
  EXPECT_CONTAINS(
      errorOf(makePieces(95 * lengths,
                         [](size_t i) {
                           const char letter =
                               ' ' + static_cast<char>(i / lengths);
                           return std::string(i % lengths + 1, letter);
                         })),
      "has pieces that are made of others in more than 4194304 ways");
  EXPECT_CONTAINS(
      errorOf(makePieces(2000, [](size_t) { return std::string(1024, 'a'); })),
      "field \"model.vocab\": has too many long pieces");
}

TEST_F(TokenizerConfigTest, PreTokenizers) {
  const json byteLevel = {{"type", "ByteLevel"}};
  auto sequence = [&](std::initializer_list<json> steps) {
    return json{{"type", "Sequence"}, {"pretokenizers", json::array_t(steps)}};
  };
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "a"}}},
                      {"behavior", "Isolated"}};
  json unknown = split;
  unknown["behavior"] = "Dropped";
  json noPattern = split;
  noPattern.erase("pattern");
  expectRight("/pre_tokenizer", sequence({split, byteLevel}));
  expectWrong("/pre_tokenizer", sequence({split}),
              "field \"pre_tokenizer\": has no ByteLevel");
  expectWrong("/pre_tokenizer", sequence({}),
              "field \"pre_tokenizer\": has no ByteLevel");
  expectRight("/pre_tokenizer", sequence({byteLevel, split}));
  expectWrong("/pre_tokenizer", sequence({byteLevel, split, byteLevel}),
              "field \"pre_tokenizer.pretokenizers[2].type\": a second");
  expectWrong("/pre_tokenizer", sequence({unknown, byteLevel}),
              "field \"pre_tokenizer.pretokenizers[0].behavior\": \"Dropped\"");
  expectRight("/pre_tokenizer",
              sequence({{{"type", "Punctuation"}}, byteLevel}));
  expectWrong("/pre_tokenizer", sequence({{{"type", "Whitespace"}}, byteLevel}),
              "field \"pre_tokenizer.pretokenizers[0].type\": \"Whitespace\"");
  expectWrong("/pre_tokenizer", sequence({noPattern, byteLevel}),
              "field \"pre_tokenizer.pretokenizers[0].pattern\": is missing");
  expectWrong("/pre_tokenizer", sequence({sequence({byteLevel})}),
              "field \"pre_tokenizer.pretokenizers[0].type\": a Sequence in");
  json many = sequence({});
  for (int i = 0; i < 17; ++i)
    many["pretokenizers"].push_back(split);
  expectWrong("/pre_tokenizer", many,
              "field \"pre_tokenizer.pretokenizers[16].type\": more than 16");
}

TEST_F(TokenizerConfigTest, PostProcessors) {
  json processor = json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "b"}}, {"Sequence": {"id": "A"}}],
    "special_tokens": {"b": {"ids": [260]}}})");
  expectRight("/post_processor", processor);
  auto expectTemplate = [&](const char *pointer, const json &value,
                            const char *message) {
    json wrong = processor;
    wrong[json::json_pointer(pointer)] = value;
    expectWrong("/post_processor", wrong, message);
  };
  expectTemplate("/single", nullptr, "field \"post_processor.single\": must");
  expectTemplate("/single/1", {{"SpecialToken", {{"id", "b"}}}},
                 "field \"post_processor.single\": more than one token");
  expectTemplate("/single/0/SpecialToken/id", 1,
                 "field \"post_processor.single[0].SpecialToken.id\": must");
  expectTemplate("/single/0/SpecialToken/id", "c",
                 "field \"post_processor.special_tokens[\"c\"]\": is missing");
  expectTemplate("/special_tokens/b/ids", json::array(),
                 "field \"post_processor.special_tokens[\"b\"].ids\": must");
  expectTemplate("/special_tokens/b/ids/0", 262,
                 "field \"post_processor.special_tokens[\"b\"].ids\": the");
}

TEST(ByteLevel, Alphabet) {
  EXPECT_EQ(decodeByteLevel("a!~"), "a!~");
  EXPECT_EQ(decodeByteLevel("\u0120"), " ");
  EXPECT_EQ(decodeByteLevel("\u010a"), "\n");
  EXPECT_EQ(decodeByteLevel("\u0143"), "\xad");
  EXPECT_EQ(decodeByteLevel("\u00ff"), "\xff");
  for (const char *outside :
       {" ", "\n", "\u00a0", "\u00ad", "\u0144", "\u2581", "\U0001f600", "a "})
    EXPECT_EQ(decodeByteLevel(outside), std::nullopt) << outside;
}
