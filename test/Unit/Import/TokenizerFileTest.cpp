//===- TokenizerFileTest.cpp - The tokenizer of a checkpoint --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TokenizerFile.h"
#include "TestFiles.h"

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
                       "vocab_size in config.json, which is 3", "belongs to"));
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
  EXPECT_THAT(messageOf(TokenizerFile::load(folder.path(), 3)),
              mentions(folder.path("tokenizer.json"), "\"<s>\""));
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
