//===- TokenizerTrainerTest.cpp -------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TokenizerTrainer.h"
#include "sherry/text/Tokenizer.h"

#include "gmock/gmock.h"
#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::training;
using nlohmann::json;
using testing::HasSubstr;

static TokenizerOptions makeOptions(uint32_t vocabSize,
                                    std::vector<std::string> specials = {}) {
  TokenizerOptions options;
  options.vocabSize = vocabSize;
  options.specialTokens = std::move(specials);
  return options;
}

/// The text of the tokenizer.json.
static llvm::Expected<std::string> train(TokenizerOptions options,
                                         llvm::StringRef text) {
  auto trainer = TokenizerTrainer::create(std::move(options));
  if (!trainer)
    return trainer.takeError();
  if (llvm::Error error = trainer->addText(text, [](uint64_t) {}))
    return std::move(error);
  auto vocabulary = trainer->train([](size_t) {});
  if (!vocabulary)
    return vocabulary.takeError();
  std::string result;
  llvm::raw_string_ostream out(result);
  if (llvm::Error error = trainer->write(*vocabulary, out))
    return std::move(error);
  return result;
}

static std::string trainWell(TokenizerOptions options, llvm::StringRef text) {
  auto result = train(std::move(options), text);
  if (result)
    return *result;
  ADD_FAILURE() << llvm::toString(result.takeError());
  return "";
}

static std::string trainBadly(TokenizerOptions options,
                              llvm::StringRef text = "text") {
  auto result = train(std::move(options), text);
  if (!result)
    return llvm::toString(result.takeError());
  return "";
}

TEST(TokenizerTrainerTest, BadOptions) {
  EXPECT_THAT(trainBadly(makeOptions(255)),
              HasSubstr("the vocabulary size is 255; it must be 256 to"));
  EXPECT_THAT(trainBadly(makeOptions(257, {"<a>", "<b>"})),
              HasSubstr("the vocabulary size is 257; it must be 258 to"));
  EXPECT_THAT(trainBadly(makeOptions(300, {"<a>", "<a>"})),
              HasSubstr("\"<a>\" is given twice"));
  EXPECT_THAT(trainBadly(makeOptions(300, {""})), HasSubstr("not empty"));
  EXPECT_THAT(trainBadly(makeOptions(300, {"\xff"})), HasSubstr("in UTF-8"));
  EXPECT_THAT(trainBadly(makeOptions(300, {"x"})),
              HasSubstr("\"x\" is also a token of text"));
  for (const char *name : {"", "no-such"}) {
    TokenizerOptions options = makeOptions(300);
    options.preTokenizer = name;
    EXPECT_THAT(trainBadly(options), HasSubstr("is not known"));
  }
  TokenizerOptions options = makeOptions(300);
  options.minFrequency = 0;
  EXPECT_THAT(trainBadly(options), HasSubstr("must be 1 or more"));
}

TEST(TokenizerTrainerTest, EmptyText) {
  EXPECT_THAT(trainBadly(makeOptions(300), ""), HasSubstr("are empty"));
  // Special tokens are no text.
  EXPECT_THAT(trainBadly(makeOptions(300, {"<s>"}), "<s><s>"),
              HasSubstr("are empty"));
}

TEST(TokenizerTrainerTest, FileOfHuggingFace) {
  json root = json::parse(trainWell(makeOptions(259, {"<s>"}), "ab abab ab"));
  EXPECT_EQ(root["version"], "1.0");
  EXPECT_EQ(root["model"]["type"], "BPE");
  EXPECT_EQ(root["model"]["ignore_merges"], true);
  EXPECT_EQ(root["model"]["vocab"].size(), 258u);
  EXPECT_EQ(root["model"]["vocab"]["\u0120"], 220);
  EXPECT_EQ(root["model"]["merges"], (json{"a b", "\u0120 ab"}));
  EXPECT_EQ(root["model"]["vocab"]["\u0120ab"], 257);
  ASSERT_EQ(root["added_tokens"].size(), 1u);
  EXPECT_EQ(root["added_tokens"][0]["id"], 258);
  EXPECT_EQ(root["added_tokens"][0]["content"], "<s>");
  EXPECT_EQ(root["added_tokens"][0]["special"], true);
  const json &steps = root["pre_tokenizer"]["pretokenizers"];
  EXPECT_EQ(steps[0]["type"], "Split");
  EXPECT_EQ(steps[1]["type"], "ByteLevel");
  EXPECT_EQ(steps[1]["use_regex"], false);
  EXPECT_EQ(root["decoder"]["type"], "ByteLevel");
}

TEST(TokenizerTrainerTest, NoTokenCrossesASpecialOne) {
  json root = json::parse(
      trainWell(makeOptions(1000, {"<|x|>"}), "a<|x|>a<|x|>a<|x|>a<|x|>"));
  EXPECT_TRUE(root["model"]["merges"].empty()) << root["model"]["merges"];
  EXPECT_EQ(root["added_tokens"][0]["id"], 256);
}

TEST(TokenizerTrainerTest, BytesThatAreNoText) {
  // Cut-off characters are pieces of their own; \xe6\xbc is learned.
  std::string text = trainWell(makeOptions(258), "\xe6\xbc \xe6\xbc \xe6\xbc");
  EXPECT_EQ(json::parse(text)["model"]["merges"], (json{"\u00e6 \u00bc"}));
  runtime::Tokenizer tokenizer(text, 258, std::nullopt, std::nullopt);
  auto tokens = tokenizer.encode("\xe6\xbc", false, false);
  EXPECT_EQ(tokens, std::vector<int32_t>{256});
}

TEST(TokenizerTrainerTest, EveryPreTokenizerReadsWhatItWrote) {
  const std::string text = "First, I'LL go; \u6f22\u5b57 12345 times!\n\n  And "
                           "you? You'll go 12345 times!";
  for (const char *name : {"llama-bpe", "qwen2", "gpt-2", "starcoder",
                           "deepseek-coder", "deepseek-v3", "hunyuan"}) {
    TokenizerOptions options = makeOptions(300, {"<s>"});
    options.preTokenizer = name;
    runtime::Tokenizer tokenizer(trainWell(options, text), 300, std::nullopt,
                                 std::nullopt);
    auto tokens = tokenizer.encode(text + "<s>", false, true);
    EXPECT_LT(tokens.size(), text.size()) << name;
    EXPECT_TRUE(tokenizer.isSpecial(tokens.back()));
    std::string decoded;
    for (int32_t token : tokens)
      decoded += tokenizer.bytes(token);
    EXPECT_EQ(decoded, text + "<s>") << name;
  }
}
