//===- SentencePieceTest.cpp - tokenizer.model against its library --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models that the package sentencepiece trains give the same ids here and
// there, and the text again.
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "sherry/Import/TokenizerFile.h"
#include "sherry/text/Tokenizer.h"

#include <nlohmann/json.hpp>
#include <random>

#ifdef SHERRY_HAS_SENTENCEPIECE
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#endif

using namespace sherry;
using namespace sherry::test;

namespace {

std::string readText(const std::string &name) {
  std::ifstream file(SHERRY_SOURCE_DIR "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

llvm::Expected<TokenizerFile> loadModel(const TempFolder &folder,
                                        const std::string &model) {
  folder.write("tokenizer.model", model);
  return TokenizerFile::load(folder.path(), /*vocabSize=*/1 << 16);
}

} // namespace

TEST(SentencePieceTest, RefusesOtherMarksOfSpaces) {
  TempFolder folder;
  // Of a message that occurs twice, the fields are joined.
  std::string model = readText("test/Fuzz/Corpus/sentencepiece/bpe.model");
  EXPECT_EQ(messageOf(loadModel(folder, model)), "");
  const char suffix[] = "\x12\x03\xc0\x01\x01";
  EXPECT_THAT(messageOf(loadModel(folder, model + suffix)),
              mentions("treat_whitespace_as_suffix is true"));
  const std::string unescaped("\x1a\x02\x28\x00", 4);
  EXPECT_THAT(messageOf(loadModel(folder, model + unescaped)),
              mentions("escape_whitespaces is false"));
  EXPECT_THAT(messageOf(loadModel(folder, model + model)), mentions("twice"));
}

TEST(SentencePieceTest, BosIsThatOfTheModel) {
  TempFolder folder;
  std::string model = readText("test/Fuzz/Corpus/sentencepiece/bpe.model");
  auto file = loadModel(folder, model);
  ASSERT_TRUE(bool(file));
  auto root = nlohmann::json::parse(file->json->getBuffer().str());
  EXPECT_EQ(root["post_processor"]["single"][0]["SpecialToken"]["id"], "<s>");
  EXPECT_EQ(root["post_processor"]["special_tokens"]["<s>"]["ids"][0], 1);
  EXPECT_TRUE(file->addBos);
  // TrainerSpec: bos_id is -1.
  const std::string none("\x12\x0c\xc8\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                         "\x01");
  file = loadModel(folder, model + none);
  ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
  root = nlohmann::json::parse(file->json->getBuffer().str());
  EXPECT_EQ(root["post_processor"], nullptr);
}

// As the LlamaTokenizer of transformers has it.
TEST(SentencePieceTest, PrefixOfTheConfiguration) {
  TempFolder folder;
  std::string model = readText("test/Fuzz/Corpus/sentencepiece/bpe.model");
  auto readModel = [&](const std::string &config) {
    folder.write("tokenizer_config.json", config);
    auto file = loadModel(folder, model);
    EXPECT_TRUE(bool(file)) << messageOf(std::move(file));
    return nlohmann::json::parse(file->json->getBuffer().str())["model"];
  };
  auto plain = readModel("{}");
  EXPECT_EQ(plain["add_dummy_prefix"], true);
  EXPECT_FALSE(plain.contains("prefix_first_only"));
  EXPECT_EQ(readModel("{\"legacy\":true}"), plain);
  EXPECT_EQ(readModel("{\"legacy\":false}")["prefix_first_only"], true);
  EXPECT_EQ(readModel("{\"add_prefix_space\":false}")["add_dummy_prefix"],
            false);
  EXPECT_EQ(
      readModel(
          "{\"legacy\":false,\"add_prefix_space\":false}")["add_dummy_prefix"],
      false);
  folder.write("tokenizer_config.json", "{\"legacy\":1}");
  EXPECT_THAT(messageOf(loadModel(folder, model)),
              mentions("tokenizer_config.json", "legacy"));
}

#ifndef SHERRY_HAS_SENTENCEPIECE
TEST(SentencePieceTest, AgreesWithTheLibrary) {
  GTEST_SKIP() << "built without libsentencepiece-dev";
}
#else
namespace {

/// Lines of the documents, and characters of all lengths in any order.
std::vector<std::string> makeTexts() {
  std::vector<std::string> texts = {"", " ", "  two  spaces  ", "\n\n\t x\r\n"};
  for (const char *name : {"README.md", "docs/Rationale.md"}) {
    std::istringstream lines(readText(name));
    for (std::string line; std::getline(lines, line);)
      texts.push_back(line);
    texts.push_back(readText(name));
  }
  const std::vector<std::string> characters = {
      "a",          "e",      "th",     "the",
      " ",          " ",      "  ",     "\n",
      "1",          "2026",   ".",      ",",
      "tion",       "\u00e9", "\u00df", "\u4e00",
      "\U0001f642", "\u0301", "\t",     "<s>",
      "<unk>",      "layer",  "weight", "\U0001f1e9\u200d",
      "<0x0A>",     "'",      "\u2581", "\u2581the"};
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    texts.emplace_back();
    for (size_t length = random() % 40; length > 0; --length)
      texts.back() += characters[random() % characters.size()];
  }
  return texts;
}

class SentencePieceModels : public testing::TestWithParam<const char *> {};

} // namespace

TEST_P(SentencePieceModels, AgreeWithTheLibrary) {
  TempFolder folder;
  std::string prefix = folder.path("m");
  const std::string options =
      std::string("--minloglevel=3 --model_type=bpe --vocab_size=800 "
                  "--byte_fallback=true --normalization_rule_name=identity "
                  "--remove_extra_whitespaces=false --input=" SHERRY_SOURCE_DIR
                  "/docs/Rationale.md,") +
      SHERRY_SOURCE_DIR "/docs/Testing.md --model_prefix=" + prefix + " " +
      GetParam();
  ASSERT_TRUE(sentencepiece::SentencePieceTrainer::Train(options).ok());
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.Load(prefix + ".model").ok());

  auto file = loadModel(folder, library.serialized_model_proto());
  ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
  llvm::StringRef json = file->json->getBuffer();
  runtime::Tokenizer tokenizer({json.data(), json.size()},
                               library.GetPieceSize(), std::nullopt,
                               /*addBos=*/false);
  for (const std::string &text : makeTexts()) {
    std::vector<int> expected;
    ASSERT_TRUE(library.Encode(text, &expected).ok());
    auto tokens = tokenizer.encode(text, /*bos=*/false, /*special=*/false);
    ASSERT_EQ(tokens, expected) << text;
    std::string decoded;
    for (int32_t token : tokens)
      decoded += tokenizer.bytes(token);
    bool hasPrefix = tokenizer.prefixesSpace() && !text.empty();
    ASSERT_EQ(decoded,
              (hasPrefix ? " " : "") + runtime::replaceSpaceSymbols(text));
  }
}

INSTANTIATE_TEST_SUITE_P(, SentencePieceModels,
                         testing::Values("", "--add_dummy_prefix=false",
                                         "--split_by_whitespace=false",
                                         "--split_digits=true",
                                         // What follows such a symbol gets no
                                         // space there, so none has one.
                                         "--user_defined_symbols=layer,<sep> "
                                         "--add_dummy_prefix=false"));
#endif
