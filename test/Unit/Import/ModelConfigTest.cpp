//===- ModelConfigTest.cpp - What config.json says about a model ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ModelConfig.h"
#include "TestFiles.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::IsEmpty;

using Fields = std::map<std::string, std::string>;

/// The fields that have no default.
static const Fields kFields = {
    {"model_type", "\"llama\""}, {"vocab_size", "1000"},
    {"hidden_size", "192"},      {"intermediate_size", "320"},
    {"num_hidden_layers", "2"},  {"num_attention_heads", "6"},
};

/// A JSON object; fields with an empty value are left out.
static std::string makeObject(const Fields &fields) {
  std::string text;
  for (const auto &[name, value] : fields)
    if (!value.empty())
      text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
  return "{" + text + "}";
}

/// A config.json with these fields beside or instead of kFields.
static std::string makeJson(const Fields &changes) {
  Fields fields = kFields;
  for (const auto &[name, value] : changes)
    fields[name] = value;
  return makeObject(fields);
}

static llvm::Expected<ModelConfig> parse(const std::string &text) {
  return ModelConfig::parse(llvm::MemoryBufferRef(text, "x/config.json"));
}

static ModelConfig good(const Fields &changes) {
  auto config = parse(makeJson(changes));
  if (!config) {
    ADD_FAILURE() << llvm::toString(config.takeError());
    return {};
  }
  return *config;
}

static void expectRefusal(const std::string &field, const std::string &value,
                          const std::string &remedy) {
  EXPECT_THAT(messageOf(parse(makeJson({{field, value}}))),
              mentions("x/config.json: field \"" + field, remedy))
      << value;
}

/// The same for a field of an object that is good otherwise.
static void expectNestedRefusal(const std::string &outer, Fields fields,
                                const std::string &field,
                                const std::string &value,
                                const std::string &remedy) {
  fields[field] = value;
  EXPECT_THAT(messageOf(parse(makeJson({{outer, makeObject(fields)}}))),
              mentions("field \"" + outer + "." + field, remedy))
      << value;
}

TEST(ModelConfigTest, Defaults) {
  ModelConfig config = good({});
  EXPECT_EQ(config.vocabSize, 1000);
  EXPECT_EQ(config.hiddenSize, 192);
  EXPECT_EQ(config.intermediateSize, 320);
  EXPECT_EQ(config.numLayers, 2);
  EXPECT_EQ(config.numHeads, 6);
  EXPECT_EQ(config.numKeyValueHeads, 6);
  EXPECT_EQ(config.headDim, 32);
  EXPECT_EQ(config.rmsNormEps, 1e-6);
  EXPECT_EQ(config.ropeTheta, 10000);
  EXPECT_EQ(config.maxPositionEmbeddings, 2048);
  EXPECT_FALSE(config.tieWordEmbeddings);
  EXPECT_FALSE(config.ropeScaling);
  EXPECT_FALSE(config.quantization);
  EXPECT_FALSE(config.bosTokenId);
  EXPECT_THAT(config.eosTokenIds, IsEmpty());
}

TEST(ModelConfigTest, ReadsEveryField) {
  ModelConfig config = good({{"architectures", "[\"LlamaForCausalLM\"]"},
                             {"num_key_value_heads", "3"},
                             {"head_dim", "64"},
                             {"rms_norm_eps", "1e-5"},
                             {"rope_theta", "500000"},
                             {"max_position_embeddings", "131072"},
                             {"tie_word_embeddings", "true"},
                             {"hidden_act", "\"silu\""},
                             {"attention_bias", "false"},
                             {"mlp_bias", "null"},
                             {"torch_dtype", "\"bfloat16\""},
                             {"bos_token_id", "1"},
                             {"eos_token_id", "[2,999]"}});
  EXPECT_EQ(config.numKeyValueHeads, 3);
  EXPECT_EQ(config.headDim, 64);
  EXPECT_EQ(config.rmsNormEps, 1e-5);
  EXPECT_EQ(config.ropeTheta, 500000);
  EXPECT_EQ(config.maxPositionEmbeddings, 131072);
  EXPECT_TRUE(config.tieWordEmbeddings);
  EXPECT_EQ(config.bosTokenId, 1);
  EXPECT_THAT(config.eosTokenIds, ElementsAre(2, 999));
  EXPECT_THAT(good({{"eos_token_id", "7"}}).eosTokenIds, ElementsAre(7));
}

TEST(ModelConfigTest, RefusesOtherArchitectures) {
  expectRefusal("model_type", "\"mixtral\"", "one of \"llama\"");
  expectRefusal("model_type", "", "missing");
  expectRefusal("architectures", "[\"MixtralForCausalLM\"]",
                "LlamaForCausalLM");
  expectRefusal("architectures", "[]", "LlamaForCausalLM");
  expectRefusal("hidden_act", "\"gelu\"", "\"silu\"");
  expectRefusal("attention_bias", "true", "not supported");
  expectRefusal("mlp_bias", "true", "not supported");
  expectRefusal("mlp_bias", "0", "true or false");
}

TEST(ModelConfigTest, RefusesBadSizes) {
  for (const auto &[name, value] : kFields)
    if (name != "model_type")
      for (std::string bad :
           {"", "null", "0", "-4", "4.0", "\"4\"", "16777220", "[]",
            "18446744073709551615", "9223372036854775808", "1e30"})
        expectRefusal(name, bad, "an integer from 1 to ");
  expectRefusal("hidden_size", "190", "multiple of 4");
  expectRefusal("intermediate_size", "322", "multiple of 4");
  expectRefusal("num_hidden_layers", "4097", "4096");
  expectRefusal("num_key_value_heads", "4", "divisor");
  expectRefusal("num_key_value_heads", "12", "divisor");
  expectRefusal("num_key_value_heads", "0", "an integer from 1");
  expectRefusal("head_dim", "33", "even");
  expectRefusal("head_dim", "16777216", "at most 16777216");
  expectRefusal("max_position_embeddings", "0", "an integer");
  EXPECT_THAT(messageOf(parse(makeJson({{"num_attention_heads", "5"}}))),
              mentions("field \"head_dim\" is missing", "does not divide"));
  EXPECT_THAT(messageOf(parse(makeJson({{"num_attention_heads", "64"}}))),
              mentions("\"head_dim\"", "even")); // 3
  EXPECT_THAT(messageOf(parse(makeJson({{"num_attention_heads", "193"}}))),
              mentions("\"head_dim\"")); // 0
  EXPECT_THAT(messageOf(parse(
                  makeJson({{"num_attention_heads", "3"}, {"head_dim", "2"}}))),
              mentions("\"head_dim\" is 2", "multiple of 4")); // 6
}

TEST(ModelConfigTest, RefusesBadNumbersAndFlags) {
  for (std::string bad : {"-1", "2", "\"1e-5\"", "true"})
    expectRefusal("rms_norm_eps", bad, "a number from");
  for (std::string bad : {"0", "-10000", "1e300", "\"10000\""})
    expectRefusal("rope_theta", bad, "a number from");
  expectRefusal("tie_word_embeddings", "1", "true or false");
  for (std::string bad : {"-1", "1000", "1.0", "\"<s>\"", "[1]"})
    expectRefusal("bos_token_id", bad, "below vocab_size");
  for (std::string bad : {"-1", "1000", "[1,1000]", "[[1]]", "{}"})
    expectRefusal("eos_token_id", bad, "below vocab_size");
}

static const Fields kLlama3 = {{"rope_type", "\"llama3\""},
                               {"factor", "32.0"},
                               {"low_freq_factor", "1.0"},
                               {"high_freq_factor", "4.0"},
                               {"original_max_position_embeddings", "8192"}};

TEST(ModelConfigTest, ReadsRopeScaling) {
  const std::string llama3 =
      "\"llama3\",\"factor\":32,\"low_freq_factor\":1,\"high_freq_factor\":4.0,"
      "\"original_max_position_embeddings\":8192}";
  for (std::string text : {"{\"rope_type\":" + llama3, "{\"type\":" + llama3}) {
    ModelConfig config =
        good({{"rope_scaling", text}, {"rope_theta", "500000.0"}});
    ASSERT_TRUE(config.ropeScaling.has_value());
    EXPECT_EQ(config.ropeScaling->factor, 32);
    EXPECT_EQ(config.ropeScaling->lowFreqFactor, 1);
    EXPECT_EQ(config.ropeScaling->highFreqFactor, 4);
    EXPECT_EQ(config.ropeScaling->originalMaxPositionEmbeddings, 8192);
    EXPECT_EQ(config.ropeTheta, 500000);
  }
  ModelConfig config = good(
      {{"rope_parameters", "{\"rope_theta\":500000,\"rope_type\":" + llama3}});
  EXPECT_TRUE(config.ropeScaling.has_value());
  EXPECT_EQ(config.ropeTheta, 500000);
  EXPECT_FALSE(
      good({{"rope_scaling", "{\"rope_type\":\"default\"}"}}).ropeScaling);
  EXPECT_FALSE(good({{"rope_scaling", "null"}}).ropeScaling);
}

TEST(ModelConfigTest, RefusesOtherRopeScaling) {
  expectNestedRefusal("rope_scaling", kLlama3, "rope_type", "\"yarn\"",
                      "\"llama3\" or \"default\"");
  expectNestedRefusal("rope_parameters", kLlama3, "rope_type", "\"linear\"",
                      "\"llama3\" or \"default\"");
  expectNestedRefusal("rope_parameters", {{"full_attention", "{}"}},
                      "rope_type", "", "missing");
  for (const auto &[name, value] : kLlama3)
    if (name != "rope_type")
      for (std::string bad : {"", "\"1\"", "0", "-1"})
        expectNestedRefusal("rope_scaling", kLlama3, name, bad, "from");
  expectNestedRefusal("rope_scaling", kLlama3, "high_freq_factor", "1",
                      "above low_freq_factor");
  expectRefusal("rope_scaling", "\"llama3\"", "an object");
}

static const Fields kSherry = {{"quant_method", "\"sherry\""}};

TEST(ModelConfigTest, ReadsQuantization) {
  using format::Granularity;
  auto quantization = [](const std::string &fields) {
    std::string text = "{\"quant_method\":\"sherry\"" + fields + "}";
    return *good({{"quantization_config", text}}).quantization;
  };
  QuantizationConfig config = quantization("");
  EXPECT_EQ(config.granularity, Granularity::PerGroup);
  EXPECT_EQ(config.groupSize, 128);
  EXPECT_THAT(config.modulesToNotConvert, IsEmpty());
  config = quantization(",\"granularity\":\"per_group\",\"group_size\":64,"
                        "\"N\":3,\"M\":4,"
                        "\"modules_to_not_convert\":[\"lm_head\",\"x\"]");
  EXPECT_EQ(config.groupSize, 64);
  EXPECT_THAT(config.modulesToNotConvert, ElementsAre("lm_head", "x"));
  EXPECT_EQ(quantization(",\"granularity\":\"per_channel\",\"group_size\":-1")
                .granularity,
            Granularity::PerChannel);
  EXPECT_EQ(quantization(",\"granularity\":\"per_tensor\"").granularity,
            Granularity::PerTensor);
}

TEST(ModelConfigTest, RefusesOtherQuantization) {
  auto refuse = [](const std::string &field, const std::string &value,
                   const std::string &remedy) {
    expectNestedRefusal("quantization_config", kSherry, field, value, remedy);
  };
  refuse("quant_method", "\"gptq\"", "\"sherry\"");
  refuse("quant_method", "", "missing");
  refuse("granularity", "\"per_block\"", "per_channel");
  refuse("granularity", "4", "a string");
  refuse("group_size", "126", "multiple of 4");
  refuse("group_size", "0", "from 4");
  refuse("N", "2", "from 3 to 3");
  refuse("M", "8", "from 4 to 4");
  refuse("modules_to_not_convert", "\"lm_head\"", "list of strings");
  refuse("modules_to_not_convert", "[1]", "list of strings");
  refuse("modules_to_not_convert", "[\"a\",1,\"b\"]", "list of strings");
}

TEST(ModelConfigTest, RefusesBadJson) {
  EXPECT_THAT(messageOf(parse("{\"a\":}")),
              mentions("x/config.json: byte 6 is not valid JSON"));
  EXPECT_THAT(messageOf(parse("")), mentions("not valid JSON"));
  EXPECT_THAT(messageOf(parse("{}  x")), mentions("not valid JSON"));
  EXPECT_THAT(messageOf(parse("3")), mentions("not a JSON object"));
  EXPECT_THAT(messageOf(parse("{\"a\":{\"b\":1,\"b\":2}}")),
              mentions("\"b\" occurs twice"));
  EXPECT_EQ(messageOf(parse(makeJson({{"x", "[{\"b\":1},{\"b\":2}]"}}))), "");
}

TEST(ModelConfigTest, LoadsAFolder) {
  TempFolder folder;
  EXPECT_THAT(messageOf(ModelConfig::load(folder.path())),
              mentions(folder.path("config.json"), "no such file"));
  folder.write("config.json",
               makeJson({{"bos_token_id", "1"}, {"eos_token_id", "2"}}));
  auto config = ModelConfig::load(folder.path());
  ASSERT_TRUE(bool(config));
  EXPECT_THAT(config->eosTokenIds, ElementsAre(2));

  folder.write("generation_config.json", "{\"eos_token_id\":[3,4]}");
  config = ModelConfig::load(folder.path());
  ASSERT_TRUE(bool(config));
  EXPECT_EQ(config->bosTokenId, 1);
  EXPECT_THAT(config->eosTokenIds, ElementsAre(3, 4));

  folder.write("generation_config.json", "{\"eos_token_id\":1000}");
  EXPECT_THAT(messageOf(ModelConfig::load(folder.path())),
              mentions("generation_config.json", "eos_token_id"));
  folder.write("config.json", std::string(17 << 20, ' '));
  EXPECT_THAT(messageOf(ModelConfig::load(folder.path())),
              mentions("config.json", "more than"));
}
