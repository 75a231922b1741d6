//===- GgufConfigTest.cpp - Tokenizers that GGUF files name ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models are tested by GgufModelConfigTest.cpp, test/Driver/bad-gguf.test and
// test/Integration/gguf.test.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufConfig.h"
#include "TestFiles.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::test;
using nlohmann::json;
using testing::ElementsAre;

namespace {

constexpr uint32_t kString = 8, kArray = 9;

/// A byte-level tokenizer of one token. `pre` null: the file does not say.
std::unique_ptr<GgufFile> makeFile(const char *pre) {
  GgufBytes bytes;
  bytes.header(0, pre ? 4 : 3);
  bytes.string("tokenizer.ggml.model").number(kString).string("gpt2");
  if (pre)
    bytes.string("tokenizer.ggml.pre").number(kString).string(pre);
  bytes.string("tokenizer.ggml.tokens").number(kArray).number(kString);
  bytes.number<uint64_t>(1).string("a");
  bytes.string("tokenizer.ggml.merges").number(kArray).number(kString);
  bytes.number<uint64_t>(0);
  auto file = bytes.parse();
  EXPECT_TRUE(bool(file));
  return std::move(*file);
}

/// The expressions that cut text, and what does not, in order.
std::vector<std::string> listSteps(const char *pre) {
  auto text = makeTokenizerJson(*makeFile(pre));
  EXPECT_TRUE(bool(text));
  json root = json::parse(*text);
  std::vector<std::string> result;
  for (const json &step : root["pre_tokenizer"]["pretokenizers"])
    result.push_back(step["type"] == "Split"     ? step["pattern"]["Regex"]
                     : step["use_regex"] == true ? "gpt2"
                                                 : "bytes");
  return result;
}

} // namespace

TEST(GgufConfigTest, CutsByDefaultAsLlamaCppDoes) {
  const std::string marks = R"([\p{P}\$\+<=>\^~\|]+)";
  const std::string words = getGpt2Pattern().str();
  for (const char *pre : {"default", static_cast<const char *>(nullptr)})
    EXPECT_THAT(listSteps(pre), ElementsAre(marks, words, R"(\p{N}+)",
                                            "[0-9][0-9][0-9]", "bytes"));
  EXPECT_THAT(listSteps("gpt-2"), ElementsAre("gpt2"));
  EXPECT_THAT(listSteps("starcoder"), ElementsAre(R"(\p{N})", "gpt2"));
  EXPECT_THAT(messageOf(makeTokenizerJson(*makeFile("deepseek-llm"))),
              mentions("tokenizer.ggml.pre is \"deepseek-llm\"", "not known"));
}

TEST(GgufConfigTest, LLaMA3BeginsWithBos) {
  for (const char *pre : {"llama-bpe", "llama3", "llama-v3"})
    EXPECT_TRUE(addsBosToken(*makeFile(pre))) << pre;
  for (const char *pre : {"gpt-2", "qwen2", "default"})
    EXPECT_FALSE(addsBosToken(*makeFile(pre))) << pre;
}

TEST(GgufConfigTest, FindsExpressionsHoweverTheyAreEscaped) {
  auto find = [](const std::string &line, const std::string &cjk) {
    return findPreTokenizer(
        {R"(\p{N}{1,3})", cjk,
         R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)" + line +
             R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)" + line +
             R"(]*|\s*[)" + line + R"(]+|\s+(?!\S)|\s+)"},
        /*ignoresMerges=*/false);
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
