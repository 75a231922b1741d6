//===- GgufTokenizerTest.cpp - Tokenizers of GGUF files -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models are tested by GgufModelConfigTest.cpp, test/Driver/bad-gguf.test and
// test/Integration/gguf.py.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufTokenizer.h"
#include "TestFiles.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/text/ByteLevel.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::test;
using nlohmann::json;
using testing::ElementsAre;

namespace {

constexpr uint32_t kU8 = 0, kU32 = 4, kI32 = 5, kBool = 7, kString = 8,
                   kArray = 9;
constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;

struct Token {
  std::string name;
  int32_t type = kNormal;
};

/// A byte-level tokenizer. The values that are not set are not in the file.
struct TestFile {
  const char *pre = nullptr, *architecture = nullptr, *chat = nullptr;
  std::vector<Token> tokens = {{"a"}};
  std::vector<std::string> merges;
  std::optional<uint32_t> bos, eos;
  std::optional<bool> addBos;
  bool addBosIsNumber = false;

  std::unique_ptr<GgufFile> parse() const {
    GgufBytes values;
    values.bytes.clear();
    uint64_t count = 4;
    values.string("tokenizer.ggml.model").number(kString).string("gpt2");
    values.string("tokenizer.ggml.tokens").number(kArray).number(kString);
    values.number<uint64_t>(tokens.size());
    for (const Token &token : tokens)
      values.string(token.name);
    values.string("tokenizer.ggml.token_type").number(kArray).number(kI32);
    values.number<uint64_t>(tokens.size());
    for (const Token &token : tokens)
      values.number(token.type);
    values.string("tokenizer.ggml.merges").number(kArray).number(kString);
    values.number<uint64_t>(merges.size());
    for (const std::string &merge : merges)
      values.string(merge);
    if (pre && ++count)
      values.string("tokenizer.ggml.pre").number(kString).string(pre);
    if (architecture && ++count)
      values.string("general.architecture")
          .number(kString)
          .string(architecture);
    if (chat && ++count)
      values.string("tokenizer.chat_template").number(kString).string(chat);
    if (bos && ++count)
      values.string("tokenizer.ggml.bos_token_id").number(kU32).number(*bos);
    if (eos && ++count)
      values.string("tokenizer.ggml.eos_token_id").number(kU32).number(*eos);
    if (addBos && ++count)
      values.string("tokenizer.ggml.add_bos_token")
          .number(addBosIsNumber ? kU8 : kBool)
          .number<uint8_t>(*addBos);
    GgufBytes bytes;
    bytes.header(0, count);
    bytes.bytes += values.bytes;
    auto file = bytes.parse();
    EXPECT_TRUE(bool(file)) << messageOf(std::move(file));
    return std::move(*file);
  }

  json read() const {
    auto text = makeTokenizerJson(*parse());
    EXPECT_TRUE(bool(text)) << messageOf(std::move(text));
    return json::parse(*text);
  }
  std::string message() const { return messageOf(makeTokenizerJson(*parse())); }
};

TestFile withPre(const char *pre) {
  TestFile file;
  file.pre = pre;
  return file;
}

TestFile withTokens(std::vector<Token> tokens) {
  TestFile file;
  file.tokens = std::move(tokens);
  return file;
}

/// The expressions that cut text, and what does not, in order.
std::vector<std::string> listSteps(const char *pre) {
  std::vector<std::string> result;
  const json root = withPre(pre).read();
  for (const json &step : root["pre_tokenizer"]["pretokenizers"])
    result.push_back(step["type"] == "Split"     ? step["pattern"]["Regex"]
                     : step["use_regex"] == true ? "gpt2"
                                                 : "bytes");
  return result;
}

} // namespace

TEST(GgufTokenizerTest, CutsByDefaultAsLlamaCppDoes) {
  const std::string marks = R"([\p{P}\$\+<=>\^~\|]+)";
  const std::string words = runtime::kGpt2Pattern;
  for (const char *pre : {"default", static_cast<const char *>(nullptr)})
    EXPECT_THAT(listSteps(pre), ElementsAre(marks, words, R"(\p{N}+)",
                                            "[0-9][0-9][0-9]", "bytes"));
  EXPECT_THAT(listSteps("gpt-2"), ElementsAre("gpt2"));
  EXPECT_THAT(listSteps("starcoder"), ElementsAre(R"(\p{N})", "gpt2"));
  EXPECT_THAT(withPre("deepseek-llm").message(),
              mentions("tokenizer.ggml.pre is \"deepseek-llm\"", "not known",
                       "llama-bpe, llama3", "falcon3"));
}

// Names that stand for the rule of another name.
TEST(GgufTokenizerTest, NamesOfTheSameRule) {
  const std::pair<const char *, std::vector<const char *>> groups[] = {
      {"llama-bpe",
       {"llama3", "llama-v3", "falcon3", "falcon-e", "falcon_e", "pixtral"}},
      {"gpt-2", {"olmo", "phi-2", "mpt", "exaone4"}},
      {"starcoder", {"refact", "command-r", "smollm", "exaone"}},
      {"deepseek-v3", {"hunyuan-dense"}},
      {"deepseek-r1-qwen", {"hunyuan", "stablelm2", "megrez"}},
      {"dbrx", {"smaug-bpe", "glm4"}}};
  for (const auto &[name, others] : groups)
    for (const char *other : others)
      EXPECT_EQ(withPre(other).read(), withPre(name).read()) << other;
  // Of the same expression, with other rules for words that are tokens.
  EXPECT_EQ(listSteps("dbrx"), listSteps("llama-bpe"));
  EXPECT_EQ(withPre("llama-bpe").read()["model"]["ignore_merges"], true);
  EXPECT_EQ(withPre("dbrx").read()["model"]["ignore_merges"], false);
  // Qwen's own files say NFC, which GGUF files cannot.
  EXPECT_EQ(withPre("qwen2").read()["normalizer"], json({{"type", "NFC"}}));
  EXPECT_EQ(withPre("hunyuan").read()["normalizer"], nullptr);
}

// What the files of bitnet.cpp do not say, or say in another way.
TEST(GgufTokenizerTest, BitNetIsAsTheModelWasTrained) {
  TestFile file;
  file.architecture = "bitnet-b1.58";
  EXPECT_EQ(file.read(), withPre("llama-bpe").read());
  file.chat = "Human: {{ x }}\n\nBITNETAssistant: ";
  EXPECT_THAT(getChatTemplate(*file.parse()),
              testing::HasSubstr("'<|eot_id|>'"));
  file.chat = "{{ x }}";
  EXPECT_EQ(getChatTemplate(*file.parse()), "{{ x }}");
  file.pre = "qwen2";
  EXPECT_EQ(file.read(), withPre("qwen2").read());
}

TEST(GgufTokenizerTest, ExpressionsHaveNoEscapesOfCharacters) {
  for (const char *pre : {"deepseek-v3", "deepseek-coder"})
    for (const std::string &pattern : getPreTokenizer(pre).patterns)
      EXPECT_EQ(pattern.find("\\x"), std::string::npos) << pattern;
}

TEST(GgufTokenizerTest, LLaMA3BeginsWithBos) {
  auto addsBos = [](const TestFile &file) {
    auto result = addsBosToken(*file.parse());
    EXPECT_TRUE(bool(result));
    return *result;
  };
  for (const char *pre : {"llama-bpe", "llama3", "falcon3", "tekken"})
    EXPECT_TRUE(addsBos(withPre(pre))) << pre;
  for (const char *pre : {"gpt-2", "qwen2", "default", "dbrx"})
    EXPECT_FALSE(addsBos(withPre(pre))) << pre;
  TestFile file = withPre("qwen2");
  file.addBos = true;
  EXPECT_TRUE(addsBos(file));
  file.addBosIsNumber = true;
  EXPECT_THAT(messageOf(addsBosToken(*file.parse())),
              mentions("m.gguf: tokenizer.ggml.add_bos_token is neither"));
  EXPECT_THAT(file.message(), mentions("tokenizer.ggml.add_bos_token"));
}

TEST(GgufTokenizerTest, BosIsATemplate) {
  TestFile file = withTokens({{"a"}, {"<s>", kControl}});
  EXPECT_EQ(file.read()["post_processor"], nullptr);
  file.addBos = true;
  EXPECT_EQ(file.read()["post_processor"], nullptr); // no id
  file.bos = 2;
  EXPECT_EQ(file.read()["post_processor"], nullptr); // no token
  file.bos = 1;
  json processor = file.read()["post_processor"];
  EXPECT_EQ(processor["type"], "TemplateProcessing");
  EXPECT_EQ(processor["single"][0]["SpecialToken"]["id"], "<s>");
  EXPECT_EQ(processor["single"][1]["Sequence"]["id"], "A");
  EXPECT_EQ(processor["pair"].size(), 4U);
  EXPECT_EQ(processor["special_tokens"]["<s>"],
            json::parse(R"({"id":"<s>","ids":[1],"tokens":["<s>"]})"));
}

TEST(GgufTokenizerTest, EndTokensByName) {
  TestFile file =
      withTokens({{"<|im_end|>", kUserDefined},
                  {"<eos>", kControl},
                  {"</s>"}, // a piece of text
                  {"<\uff5cend\u2581of\u2581sentence\uff5c>", kControl},
                  {"<EOT>", kControl},
                  {"<end_of_utterance>", kControl},
                  {"<|end|>", kControl},
                  {"<|return|>", kControl}});
  file.eos = 1;
  EXPECT_THAT(listEndTokens(*file.parse()), ElementsAre(1, 0, 3, 4, 5, 6, 7));
  // It is no text that is printed, nor one that a user can write.
  EXPECT_EQ(file.read()["added_tokens"][0]["special"], true);
  // Here <|end|> ends a message, not the answer.
  file.tokens.push_back({"<|call|>", kControl});
  EXPECT_THAT(listEndTokens(*file.parse()), ElementsAre(1, 0, 3, 4, 5, 7, 8));
}

TEST(GgufTokenizerTest, NamesTokensAndKeysOfTheFile) {
  for (int32_t type : {kNormal, kControl, kUserDefined})
    EXPECT_THAT(withTokens({{"a"}, {"b", kControl}, {"a", type}}).message(),
                mentions("m.gguf: tokenizer.ggml.tokens has \"a\" twice, as "
                         "token 0 and as token 2"));
  EXPECT_EQ(withTokens({{"a"}, {"a", kUnused}, {""}, {""}}).message(), "");
  TestFile file = withTokens({{"a"}, {"b"}, {"ab"}, {"c", kControl}});
  file.merges = {"a b"};
  EXPECT_EQ(file.message(), "");
  for (auto [merge, missing] :
       {std::pair("a c", "has no \"c\""), std::pair("b a", "has no \"ba\""),
        std::pair("ab", "must be two tokens"),
        std::pair("a ", "must be two tokens")}) {
    file.merges = {"a b", merge};
    EXPECT_THAT(file.message(),
                mentions("m.gguf: tokenizer.ggml.merges[1] is", missing));
  }
}

TEST(GgufTokenizerTest, FindsExpressionsHoweverTheyAreEscaped) {
  auto find = [](const std::string &line, const std::string &cjk) {
    PreTokenizer rule;
    rule.patterns = {R"(\p{N}{1,3})", cjk,
                     R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)" +
                         line +
                         R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)" +
                         line + R"(]*|\s*[)" + line + R"(]+|\s+(?!\S)|\s+)"};
    return findPreTokenizer(rule);
  };
  const std::string escaped =
      R"([\x{4E00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)";
  const std::string literal = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
  for (const std::string &cjk : {escaped, literal}) {
    EXPECT_EQ(find(R"(\r\n)", cjk), "deepseek-v3");
    EXPECT_EQ(find("\r\n", cjk), "deepseek-v3");
  }
  EXPECT_EQ(find("rn", literal), "");
}

TEST(GgufTokenizerTest, FindsTheNameOfEachRule) {
  for (const char *pre : {"llama-bpe", "dbrx", "qwen2", "deepseek-r1-qwen",
                          "gpt-2", "default", "falcon", "starcoder",
                          "deepseek-coder", "deepseek-v3", "tekken", "gpt-4o"})
    EXPECT_EQ(findPreTokenizer(getPreTokenizer(pre)), pre);
}
