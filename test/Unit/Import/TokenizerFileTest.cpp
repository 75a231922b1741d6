//===- TokenizerFileTest.cpp - The tokenizer of a checkpoint --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TokenizerFile.h"
#include "TestFiles.h"

#include <map>
#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::test;

/// A tokenizer of 4 ids with these further fields.
static std::string makeTokenizer(const std::string &fields = "") {
  return "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}},"
         "\"added_tokens\":[{\"id\":3,\"content\":\"<s>\"}]" +
         fields + "}";
}

static const std::string kTemplate =
    "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
    "\"<s>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]}";

static llvm::Expected<bool> check(const std::string &text,
                                  int64_t vocabSize = 4) {
  return checkTokenizer(llvm::MemoryBufferRef(text, "tokenizer.json"),
                        vocabSize);
}

TEST(TokenizerFileTest, AcceptsIdsBelowTheVocabulary) {
  EXPECT_EQ(messageOf(check(makeTokenizer())), "");
  EXPECT_EQ(messageOf(check("{\"model\":{\"vocab\":{}}}")), "");
  EXPECT_EQ(
      messageOf(check("{\"model\":{\"vocab\":{}},\"added_tokens\":null}")), "");
}

TEST(TokenizerFileTest, NamesIdsBeyondTheVocabulary) {
  EXPECT_THAT(messageOf(check(makeTokenizer(), 3)),
              mentions("tokenizer.json", "\"<s>\" has the id 3",
                       "vocab_size of the model, which is 3", "belongs to"));
  EXPECT_THAT(messageOf(check(makeTokenizer(), 2)),
              mentions("\"ab\" has the id 2"));
  for (std::string bad : {"-1", "1.0", "\"0\"", "null"})
    EXPECT_THAT(messageOf(check("{\"model\":{\"vocab\":{\"a\":" + bad + "}}}")),
                mentions("\"a\" has the id " + bad));
}

TEST(TokenizerFileTest, RefusesOtherShapes) {
  EXPECT_THAT(messageOf(check("{\"model\":{\"vocab\":[[\"a\",0]]}}")),
              mentions("model.vocab", "BPE", "remove the file"));
  for (std::string bad : {"{}", "{\"model\":1}", "{\"model\":{}}"})
    EXPECT_THAT(messageOf(check(bad)), mentions("model.vocab")) << bad;
  const std::string head = "{\"model\":{\"vocab\":{}},\"added_tokens\":";
  EXPECT_THAT(messageOf(check(head + "7}")), mentions("added_tokens"));
  EXPECT_THAT(messageOf(check(head + "[7]}")), mentions("has the id null"));
  EXPECT_THAT(messageOf(check(head + "[{\"content\":7,\"id\":9}]}")),
              mentions("has the id 9"));
  EXPECT_THAT(messageOf(check("{")), mentions("not valid JSON"));
}

TEST(TokenizerFileTest, FindsTheTemplate) {
  auto startsWithBos = [](const std::string &processor) {
    auto result = check(makeTokenizer(",\"post_processor\":" + processor));
    if (!result)
      ADD_FAILURE() << llvm::toString(result.takeError());
    return result && *result;
  };
  EXPECT_TRUE(startsWithBos(kTemplate));
  EXPECT_TRUE(startsWithBos("{\"type\":\"Sequence\",\"processors\":[{\"type\":"
                            "\"ByteLevel\"}," +
                            kTemplate + "]}"));
  for (std::string none :
       {"null", "{\"type\":\"ByteLevel\"}", "[]", "{\"single\":[]}",
        "{\"single\":[7]}", "{\"processors\":[]}",
        "{\"single\":[{\"Sequence\":{}},{\"SpecialToken\":{}}]}"})
    EXPECT_FALSE(startsWithBos(none)) << none;
}

TEST(TokenizerFileTest, LoadsAFolder) {
  TempFolder folder;
  auto load = [&] { return TokenizerFile::load(folder.path(), 4); };
  auto tokenizer = load();
  ASSERT_TRUE(bool(tokenizer));
  EXPECT_EQ(tokenizer->json, nullptr);

  std::string text = makeTokenizer(",\"post_processor\":" + kTemplate);
  folder.write("tokenizer.json", text);
  tokenizer = load();
  ASSERT_TRUE(bool(tokenizer));
  EXPECT_EQ(tokenizer->json->getBuffer(), text);
  EXPECT_TRUE(tokenizer->addBos);

  folder.write("tokenizer_config.json", "{\"add_bos_token\":false}");
  tokenizer = load();
  ASSERT_TRUE(bool(tokenizer));
  EXPECT_FALSE(tokenizer->addBos);

  folder.write("tokenizer_config.json", "{\"bos_token\":\"<s>\"}");
  tokenizer = load();
  ASSERT_TRUE(bool(tokenizer));
  EXPECT_TRUE(tokenizer->addBos);

  folder.write("tokenizer_config.json", "{\"add_bos_token\":\"no\"}");
  EXPECT_THAT(messageOf(load()),
              mentions("tokenizer_config.json", "add_bos_token"));
  folder.write("tokenizer_config.json", "{}");
  EXPECT_THAT(messageOf(TokenizerFile::load(folder.path(), 1)),
              mentions(folder.path("tokenizer.json"), "\"b\""));
}

namespace {

/// The tokens of a folder for a model of `vocabSize` tokens, by id.
std::map<int64_t, std::string> loadTokens(const TempFolder &folder,
                                          int64_t vocabSize,
                                          std::string *note = nullptr) {
  auto tokenizer = TokenizerFile::load(folder.path(), vocabSize);
  EXPECT_TRUE(bool(tokenizer)) << messageOf(std::move(tokenizer));
  EXPECT_EQ(tokenizer->notes.size(), note ? 1U : 0U);
  if (note && !tokenizer->notes.empty())
    *note = tokenizer->notes.front();
  std::map<int64_t, std::string> result;
  auto root = nlohmann::json::parse(tokenizer->json->getBuffer().str());
  for (const auto &[token, id] : root["model"]["vocab"].items())
    result[id] = token;
  for (const auto &token : root["added_tokens"])
    result[token["id"]] = token["content"];
  return result;
}

} // namespace

// They never occur, or only by their names.
TEST(TokenizerFileTest, LeavesOutTokensBeyondTheVocabulary) {
  TempFolder folder;
  auto write = [&](const std::string &vocab, const std::string &merges,
                   const std::string &more = "") {
    folder.write("tokenizer.json",
                 "{\"model\":{\"vocab\":{" + vocab + "},\"merges\":[" + merges +
                     "]" + more +
                     "},\"added_tokens\":[{\"id\":4,\"content\":\"<pad>\"}]}");
  };
  const std::string vocab = "\"a\":0,\"b\":1,\"ab\":2,\"<pad>\":4";
  write(vocab + ",\"xyz\":3,\"vw\":5", "\"a b\"");
  EXPECT_EQ(loadTokens(folder, 6).size(), 6U);
  std::string note;
  EXPECT_EQ(loadTokens(folder, 4, &note).size(), 4U);
  EXPECT_THAT(note, mentions("tokenizer.json: the model has 4 tokens; 2 beyond "
                             "these, such as \"<pad>\" with the id 4, are"));
  EXPECT_EQ(loadTokens(folder, 3, &note).size(), 3U);
  auto load = [&](int64_t size) {
    return messageOf(TokenizerFile::load(folder.path(), size));
  };
  // A merge leads to it, it is a character, or a word that is not merged.
  EXPECT_THAT(load(2), mentions("\"ab\" has the id 2"));
  write("\"a\":0,\"b\":1,\"\u0120\":2", "");
  EXPECT_THAT(load(2), mentions("has the id 2"));
  write(vocab + ",\"xyz\":3", "\"a b\"", ",\"ignore_merges\":true");
  EXPECT_EQ(loadTokens(folder, 4, &note).size(), 4U);
  EXPECT_THAT(load(3), mentions("\"xyz\" has the id 3"));
}

TEST(TokenizerFileTest, VocabularyAndMergesInTwoFiles) {
  TempFolder folder;
  folder.write("vocab.json", R"({"a":0,"b":1,"ab":2,"<pad>":3})");
  folder.write("merges.txt", "#version: 0.2\na b\r\n\n");
  auto load = [&] {
    auto tokenizer = TokenizerFile::load(folder.path(), 300);
    EXPECT_TRUE(bool(tokenizer)) << messageOf(std::move(tokenizer));
    return std::move(*tokenizer);
  };
  // It is not known how text is cut.
  auto unknown = load();
  EXPECT_EQ(unknown.json, nullptr);
  ASSERT_EQ(unknown.notes.size(), 1U);
  EXPECT_THAT(unknown.notes[0],
              mentions("has no tokenizer", "tokenizer_class"));
  folder.write("tokenizer_config.json",
               R"({"tokenizer_class":"BartTokenizer"})");
  EXPECT_EQ(load().json, nullptr);
  // Known by the model's type, and by the class.
  folder.write("tokenizer_config.json", "{}");
  folder.write("config.json", R"({"model_type":"qwen2"})");
  EXPECT_NE(load().json, nullptr);

  folder.write("added_tokens.json", R"({"<tool>":4})");
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"Qwen2Tokenizer",
      "added_tokens_decoder":{"5":{"content":"<x>","special":true,"lstrip":true}},
      "bos_token":null,"eos_token":"<|endoftext|>","pad_token":"<pad>",
      "additional_special_tokens":["<x>","<y>"]})");
  auto root = nlohmann::json::parse(load().json->getBuffer().str());
  EXPECT_EQ(root["normalizer"]["type"], "NFC");
  EXPECT_EQ(root["pre_tokenizer"]["pretokenizers"][0]["type"], "Split");
  EXPECT_EQ(root["model"]["merges"], nlohmann::json({"a b"}));
  std::map<std::string, int> added;
  for (const auto &token : root["added_tokens"])
    added[token["content"]] = token["id"];
  EXPECT_EQ(added, (std::map<std::string, int>{{"<x>", 5},
                                               {"<tool>", 4},
                                               {"<|endoftext|>", 6},
                                               {"<pad>", 3},
                                               {"<y>", 7}}));
  EXPECT_EQ(root["added_tokens"][0]["lstrip"], true);

  folder.write("tokenizer_config.json",
               R"({"tokenizer_class":"GPT2TokenizerFast","add_bos_token":true,
                   "bos_token":{"content":"<pad>"}})");
  auto gpt2 = load();
  root = nlohmann::json::parse(gpt2.json->getBuffer().str());
  EXPECT_EQ(root["normalizer"], nullptr);
  EXPECT_EQ(root["pre_tokenizer"]["pretokenizers"][0]["use_regex"], true);
  EXPECT_TRUE(gpt2.addBos);
  EXPECT_EQ(gpt2.bosToken, 3);

  folder.write("merges.txt", "a b\na c\n");
  EXPECT_THAT(messageOf(TokenizerFile::load(folder.path(), 300)),
              mentions("merges.txt: line 2 is \"a c\"", "has no \"c\""));
}

TEST(TokenizerFileTest, TakesTheTemplateOfAList) {
  auto choose = [](const std::string &list) {
    TokenizerFile tokenizer;
    const std::string text = "{\"chat_template\":" + list + "}";
    EXPECT_EQ(
        messageOf(applyTokenizerConfig(
            llvm::MemoryBufferRef(text, "tokenizer_config.json"), tokenizer)),
        "");
    return tokenizer.chatTemplate;
  };
  auto entry = [](const std::string &name) {
    return "{\"name\":\"" + name + "\",\"template\":\"of " + name + "\"}";
  };
  EXPECT_EQ(choose("\"x\""), "x");
  EXPECT_EQ(choose("[" + entry("a") + "," + entry("default") + "]"),
            "of default");
  EXPECT_EQ(choose("[" + entry("chat") + "]"), "of chat");
  EXPECT_EQ(choose("[" + entry("tool_use") + "," + entry("chat") + "]"),
            "of chat");
  EXPECT_EQ(choose("[" + entry("a") + "," + entry("b") + "]"), "");
  EXPECT_EQ(choose("[" + entry("tool_use") + "]"), "");
  EXPECT_EQ(choose("7"), "");
}

TEST(TokenizerFileTest, FindsTheNamesOfSpecialTokens) {
  TempFolder folder;
  folder.write("tokenizer.json", makeTokenizer());
  auto load = [&] {
    auto tokenizer = TokenizerFile::load(folder.path(), 4);
    EXPECT_TRUE(bool(tokenizer));
    return tokenizer->specialTokens;
  };
  using Names = std::map<std::string, std::optional<std::string>>;
  EXPECT_EQ(load(), Names());
  folder.write("special_tokens_map.json",
               "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"x\"}");
  EXPECT_EQ(load(), (Names{{"bos_token", "<s>"}, {"eos_token", "x"}}));
  folder.write("tokenizer_config.json",
               "{\"bos_token\":null,\"eos_token\":{\"content\":\"</s>\"}}");
  EXPECT_EQ(load(), (Names{{"bos_token", "<s>"}, {"eos_token", "</s>"}}));
  folder.write("special_tokens_map.json", "{}");
  EXPECT_EQ(load(),
            (Names{{"bos_token", std::nullopt}, {"eos_token", "</s>"}}));
}
