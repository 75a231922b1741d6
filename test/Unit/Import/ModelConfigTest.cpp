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
  expectRefusal("architectures", "\"LlamaForCausalLM\"", "LlamaForCausalLM");
  expectRefusal("architectures", "[\"LlamaForTokenClassification\"]",
                "LlamaForCausalLM");
}

TEST(ModelConfigTest, ModelTypeIsEnough) {
  for (std::string classes :
       {"null", "[]", "[\"LLaMAForCausalLM\"]", "[\"LlamaModel\"]"})
    EXPECT_STREQ(good({{"architectures", classes}}).architecture->name,
                 "llama");
}

TEST(ModelConfigTest, DefaultsAreThoseOfTheFamily) {
  auto family = [](const std::string &name, Fields changes = {}) {
    changes["model_type"] = "\"" + name + "\"";
    return good(changes);
  };
  EXPECT_EQ(family("qwen3", {{"num_key_value_heads", "3"}}).headDim, 128);
  EXPECT_EQ(family("qwen2", {{"num_key_value_heads", "3"}}).headDim, 32);
  EXPECT_EQ(family("qwen2", {{"num_key_value_heads", "null"}}).numKeyValueHeads,
            6);
  EXPECT_EQ(family("qwen2", {{"num_attention_heads", "64"}, {"head_dim", "4"}})
                .numKeyValueHeads,
            32);
  EXPECT_EQ(
      family("qwen2", {{"num_key_value_heads", "3"}}).maxPositionEmbeddings,
      32768);
  EXPECT_EQ(family("hunyuan_v1_dense").rmsNormEps, 1e-5);
  ModelConfig mistral = family(
      "mistral", {{"num_attention_heads", "8"}, {"sliding_window", "null"}});
  EXPECT_EQ(mistral.numKeyValueHeads, 8);
  EXPECT_EQ(mistral.maxPositionEmbeddings, 131072);
  EXPECT_STREQ(mistral.architecture->ggufName, "llama");
}

TEST(ModelConfigTest, RefusesWhatOtherModelsDo) {
  for (std::string name :
       {"attention_bias", "mlp_bias", "use_cla", "attn_logit_softcapping",
        "final_logit_softcapping", "clip_qkv", "alibi", "qk_layernorm",
        "attention_chunk_size", "use_parallel_residual"}) {
    expectRefusal(name, "true", "must be false or 0");
    expectRefusal(name, "30.0", "must be false or 0");
    expectRefusal(name, "\"yes\"", "must be false or 0");
    for (std::string off : {"null", "false", "0", "0.0"})
      good({{name, off}});
  }
  for (std::string name :
       {"partial_rotary_factor", "logit_scale", "logits_scaling",
        "embedding_multiplier", "embedding_scale", "residual_multiplier",
        "residual_scale"}) {
    for (std::string other : {"0.5", "0"})
      expectRefusal(name, other, "must be 1; models that differ");
    good({{name, "1"}, {"rotary_pct", "1.0"}});
  }
  for (std::string name :
       {"num_local_experts", "num_experts", "n_routed_experts"}) {
    expectRefusal(name, "8", "must be 0 or 1");
    good({{name, "1"}});
  }
  expectRefusal("hidden_act", "\"gelu\"", "must be \"silu\"");
  expectRefusal("is_causal", "false", "must be true");
  expectRefusal("no_rope_layers", "[1,0]", "must be true");
  good({{"no_rope_layers", "[1,1]"}, {"is_causal", "true"}});
  // Heads of 32.
  for (std::string other : {"1", "0"})
    expectRefusal("attention_multiplier", other, "must be 1 / sqrt(32)");
  good({{"attention_multiplier", "0.1767767"}});
  expectRefusal("rotary_dim", "16", "must be 32, the size of a head");
  expectNestedRefusal("rope_parameters", {{"rope_type", "\"default\""}},
                      "partial_rotary_factor", "0.25", "must be 1");
}

TEST(ModelConfigTest, RefusesWindowsThatCutTheContext) {
  expectRefusal("sliding_window", "2047",
                "null or at least max_position_embeddings, which is 2048");
  for (std::string wide : {"null", "0", "2048"})
    good({{"sliding_window", wide}});
  const Fields qwen = {{"model_type", "\"qwen2\""},
                       {"num_key_value_heads", "3"},
                       {"sliding_window", "1024"}};
  auto withQwen = [&](Fields changes) {
    changes.insert(qwen.begin(), qwen.end());
    return messageOf(parse(makeJson(changes)));
  };
  EXPECT_EQ(withQwen({}), "");
  EXPECT_EQ(withQwen({{"use_sliding_window", "false"}}), "");
  EXPECT_THAT(withQwen({{"use_sliding_window", "true"}}),
              mentions("sliding_window", "is 1024"));
  EXPECT_EQ(
      withQwen({{"use_sliding_window", "true"}, {"max_window_layers", "2"}}),
      "");
  EXPECT_EQ(
      withQwen({{"use_sliding_window", "true"},
                {"layer_types", "[\"full_attention\",\"full_attention\"]"}}),
      "");
  expectRefusal("layer_types", "[\"linear_attention\"]", "full_attention");
  // What MistralConfig takes where a file says nothing.
  EXPECT_THAT(messageOf(parse(makeJson({{"model_type", "\"mistral\""},
                                        {"num_attention_heads", "8"}}))),
              mentions("sliding_window", "is missing", "131072"));
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
  expectRefusal("head_dim", "65538", "even and at most 65536");
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
  for (std::string bad : {"-1", "0", "1e-45", "2", "\"1e-5\"", "true"})
    expectRefusal("rms_norm_eps", bad, "a number from");
  for (std::string bad : {"0", "-10000", "1e300", "\"10000\""})
    expectRefusal("rope_theta", bad, "a number from");
  expectRefusal("tie_word_embeddings", "1", "true or false");
  for (std::string bad : {"1.0", "\"<s>\"", "[1]"})
    expectRefusal("bos_token_id", bad, "below vocab_size");
  for (std::string bad : {"1.0", "[[1]]", "{}", "[1,true]"})
    expectRefusal("eos_token_id", bad, "below vocab_size");
}

TEST(ModelConfigTest, LeavesOutIdsThatAreNoTokens) {
  for (std::string beyond : {"-1", "1000", "18446744073709551615"}) {
    ModelConfig config = good(
        {{"bos_token_id", beyond}, {"eos_token_id", "[1," + beyond + "]"}});
    EXPECT_FALSE(config.bosTokenId);
    EXPECT_THAT(config.eosTokenIds, ElementsAre(1));
    EXPECT_THAT(config.notes,
                ElementsAre(mentions("x/config.json", "bos_token_id", beyond),
                            mentions("eos_token_id", beyond, "left out")));
  }
  // One note, however long the list is.
  EXPECT_THAT(good({{"eos_token_id", "[1000,1,2000,3000]"}}).notes,
              ElementsAre(mentions("eos_token_id says 1000, which is no token",
                                   "it and 2 more of the list are left out")));
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
  // Beside each other they are to say the same.
  config = good(
      {{"rope_scaling", "{\"rope_type\":" + llama3},
       {"rope_parameters", "{\"rope_theta\":500000,\"rope_type\":" + llama3}});
  EXPECT_TRUE(config.ropeScaling.has_value());
  EXPECT_EQ(config.ropeTheta, 500000);
  config = good({{"rope_scaling", "{\"rope_type\":" + llama3},
                 {"rope_parameters", "{}"}});
  EXPECT_TRUE(config.ropeScaling.has_value());
  for (std::string plain : {"null", "{}", "{\"rope_type\":\"default\"}",
                            "{\"type\":\"linear\",\"factor\":1.0}",
                            "{\"type\":\"yarn\",\"factor\":1,\"mscale\":1}"})
    EXPECT_FALSE(good({{"rope_scaling", plain}}).ropeScaling) << plain;
}

TEST(ModelConfigTest, ReadsRopeThetaWhereTheScalingIs) {
  const std::string linear = "\"type\":\"linear\",\"factor\":2}";
  for (std::string outer : {"rope_scaling", "rope_parameters"}) {
    for (std::string top : {"", "5e5"}) {
      ModelConfig config = good(
          {{outer, "{\"rope_theta\":500000," + linear}, {"rope_theta", top}});
      EXPECT_EQ(config.ropeTheta, 500000);
      EXPECT_TRUE(config.ropeScaling.has_value());
    }
    // Without a type nothing is scaled.
    ModelConfig config =
        good({{outer, "{\"rope_theta\":500000,\"rope_type\":null}"}});
    EXPECT_EQ(config.ropeTheta, 500000);
    EXPECT_FALSE(config.ropeScaling);
    EXPECT_THAT(
        messageOf(parse(makeJson({{outer, "{\"rope_theta\":500000," + linear},
                                  {"rope_theta", "10000"}}))),
        mentions("field \"" + outer + ".rope_theta\" is 500000",
                 "left out or the same as rope_theta, which is 10000"));
  }
  EXPECT_THAT(messageOf(parse(makeJson(
                  {{"rope_parameters", "{\"rope_theta\":500000," + linear},
                   {"rope_scaling", "{\"rope_theta\":10000," + linear}}))),
              mentions("field \"rope_scaling.rope_theta\" is 10000",
                       "the same as rope_parameters.rope_theta"));
}

TEST(ModelConfigTest, ScalingsInTwoSpellingsAreTheSame) {
  const std::string factor = ",\"factor\":2", type = "\"type\":\"linear\"",
                    ropeType = "\"rope_type\":\"linear\"";
  const std::string spellings[] = {
      type + factor, ropeType + factor, type + "," + ropeType + factor,
      ropeType + factor + ",\"rope_theta\":10000,\"beta_fast\":null"};
  for (const std::string &one : spellings)
    for (const std::string &other : spellings)
      EXPECT_TRUE(good({{"rope_parameters", "{" + one + "}"},
                        {"rope_scaling", "{" + other + "}"}})
                      .ropeScaling);
  good({{"rope_parameters", "{\"rope_theta\":10000}"},
        {"rope_scaling", "{\"type\":\"default\"}"}});
  EXPECT_THAT(
      messageOf(parse(makeJson({{"rope_parameters", "{\"rope_theta\":10000}"},
                                {"rope_scaling", "{" + spellings[0] + "}"}}))),
      mentions("field \"rope_scaling\" is {\"factor\":2",
               "left out or the same as rope_parameters"));
}

/// The frequencies of heads of 16 with theta 1e6.
static std::vector<double> scale(const std::string &scaling) {
  return computeRopeFrequencies(good({{"num_attention_heads", "12"},
                                      {"rope_theta", "1e6"},
                                      {"max_position_embeddings", "65536"},
                                      {"rope_scaling", "{" + scaling + "}"}}));
}

static auto isNear(const std::vector<double> &expected) {
  std::vector<testing::Matcher<double>> matchers;
  for (double value : expected)
    matchers.push_back(testing::DoubleNear(value, 1e-8 * value));
  return testing::ElementsAreArray(matchers);
}

/// The numbers are those of _compute_yarn_parameters of transformers.
TEST(ModelConfigTest, StretchesFrequenciesByYarn) {
  const std::string yarn = "\"type\":\"yarn\"";
  const auto expected =
      isNear({1, 0.177827941, 0.0316227766, 0.004217559939, 0.0005,
              4.445698525e-05, 7.90569415e-06, 1.405853313e-06});
  EXPECT_THAT(scale(yarn + ",\"factor\":4,"
                           "\"original_max_position_embeddings\":16384"),
              expected);
  // What is missing or 0 has a default; without a factor it is 65536 / 16384.
  EXPECT_THAT(scale(yarn + ",\"original_max_position_embeddings\":16384,"
                           "\"beta_fast\":0,\"beta_slow\":null"),
              expected);
  EXPECT_THAT(
      scale(yarn + ",\"factor\":4,\"original_max_position_embeddings\":16384,"
                   "\"beta_fast\":16,\"beta_slow\":2,\"truncate\":false"),
      isNear({1, 0.177827941, 0.0316227766, 0.005446508624, 0.0003456798965,
              4.445698525e-05, 7.90569415e-06, 1.405853313e-06}));
  EXPECT_THAT(
      scale("\"type\":\"linear\",\"factor\":4"),
      isNear({0.25, 0.04445698525, 0.00790569415, 0.001405853313, 0.00025,
              4.445698525e-05, 7.90569415e-06, 1.405853313e-06}));
  const std::string table = "[1,1,1,2,2,2,4,4]";
  EXPECT_THAT(scale("\"type\":\"longrope\",\"attention_factor\":1.5,"
                    "\"short_factor\":" +
                    table + ",\"long_factor\":" + table),
              isNear({1, 0.177827941, 0.0316227766, 0.002811706626, 0.0005,
                      8.89139705e-05, 7.90569415e-06, 1.405853313e-06}));
}

TEST(ModelConfigTest, YarnMagnifiesQueriesAndKeys) {
  auto magnitude = [](const std::string &fields) {
    return good({{"rope_scaling", "{\"type\":\"yarn\"," + fields + "}"}})
        .ropeScaling->magnitude;
  };
  EXPECT_DOUBLE_EQ(magnitude("\"factor\":4"), 1.138629436111989);
  EXPECT_DOUBLE_EQ(magnitude("\"factor\":40,\"mscale\":0.707,"
                             "\"mscale_all_dim\":1.0"),
                   0.9210423553163399);
  EXPECT_DOUBLE_EQ(magnitude("\"factor\":40,\"mscale\":0.707"),
                   1.3688879454113936);
  EXPECT_EQ(magnitude("\"factor\":4,\"attention_factor\":1.25"), 1.25);
  EXPECT_EQ(magnitude("\"factor\":1,\"attention_factor\":1.25"), 1.25);
}

TEST(ModelConfigTest, RefusesOtherRopeScaling) {
  expectNestedRefusal("rope_scaling", kLlama3, "rope_type", "\"ntk\"",
                      "\"yarn\", \"linear\"");
  expectNestedRefusal("rope_parameters", {{"full_attention", "{}"}},
                      "rope_type", "", "missing");
  for (const auto &[name, value] : kLlama3)
    if (name != "rope_type")
      for (std::string bad : {"", "\"1\"", "0", "-1"})
        expectNestedRefusal("rope_scaling", kLlama3, name, bad, "from");
  expectNestedRefusal("rope_scaling", kLlama3, "high_freq_factor", "1",
                      "above low_freq_factor");
  const Fields yarn = {{"rope_type", "\"yarn\""}, {"factor", "4"}};
  for (std::string name :
       {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow",
        "mscale", "attention_factor"})
    for (std::string bad : {"\"1\"", "-1", "1e30"})
      expectNestedRefusal("rope_scaling", yarn, name, bad, "from");
  expectNestedRefusal("rope_scaling", yarn, "beta_fast", "1",
                      "above beta_slow");
  expectNestedRefusal("rope_scaling", yarn, "truncate", "1", "true or false");
  expectNestedRefusal("rope_scaling", {{"type", "\"linear\""}}, "factor", "",
                      "from");
  const Fields table = {{"type", "\"longrope\""}, {"short_factor", "[1]"}};
  expectNestedRefusal("rope_scaling", table, "long_factor", "[1]",
                      "a list of 16 positive numbers");
  expectRefusal("rope_scaling", "\"llama3\"", "an object");
  EXPECT_THAT(messageOf(parse(makeJson(
                  {{"rope_parameters", "{\"rope_type\":\"default\"}"},
                   {"rope_scaling", "{\"type\":\"linear\",\"factor\":2}"}}))),
              mentions("field \"rope_scaling\" is {\"factor\":2",
                       "left out or the same as rope_parameters"));
  expectNestedRefusal("rope_scaling", kLlama3, "type", "\"linear\"",
                      "left out or the same as rope_type, which is \"llama3\"");
  // The one that was renamed.
  const Fields renamed = {{"type", "\"su\""}, {"rope_type", "\"longrope\""}};
  expectNestedRefusal("rope_scaling", renamed, "long_factor", "[1]",
                      "a list of 16 positive numbers");
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
                        "\"modules_to_not_convert\":[\"lm_head\",\"mlp\"]");
  EXPECT_EQ(config.groupSize, 64);
  EXPECT_THAT(config.modulesToNotConvert, ElementsAre("lm_head", "mlp"));
  EXPECT_EQ(quantization(",\"granularity\":\"per_channel\",\"group_size\":-1")
                .granularity,
            Granularity::PerChannel);
  EXPECT_EQ(quantization(",\"granularity\":\"per_tensor\"").granularity,
            Granularity::PerTensor);
}

/// As transformers matches entries of modules_to_not_convert.
TEST(ModelConfigTest, FindsModulesThatStayDense) {
  auto list = [](const std::string &entries) {
    return good({{"quantization_config",
                  "{\"quant_method\":\"sherry\",\"modules_to_not_convert\":[" +
                      entries + "]}"}})
        .quantization->denseModules;
  };
  EXPECT_THAT(list(R"("lm_head","embed_tokens","model.norm")"), IsEmpty());
  EXPECT_THAT(list("\"input_layernorm\""), IsEmpty());
  EXPECT_THAT(list("\"q_proj\""), ElementsAre("self_attn.q_proj"));
  EXPECT_THAT(list("\"mlp.down_proj\""), ElementsAre("mlp.down_proj"));
  EXPECT_THAT(list("\"mlp\""),
              ElementsAre("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"));
  EXPECT_THAT(list("\"self_attn\",\"up_proj\""),
              ElementsAre("self_attn.q_proj", "self_attn.k_proj",
                          "self_attn.v_proj", "self_attn.o_proj",
                          "mlp.up_proj"));
  EXPECT_THAT(list(R"("model.layers.0.mlp.up_proj","layers.1.mlp.up_proj")"),
              ElementsAre("mlp.up_proj"));
  EXPECT_EQ(list("\"model\"").size(), 7U);
}

TEST(ModelConfigTest, EmptyQuantizationIsNone) {
  EXPECT_FALSE(good({{"quantization_config", "{}"}}).quantization);
}

TEST(ModelConfigTest, RefusesOtherQuantization) {
  auto refuse = [](const std::string &field, const std::string &value,
                   const std::string &remedy) {
    expectNestedRefusal("quantization_config", kSherry, field, value, remedy);
  };
  refuse("quant_method", "\"gptq\"", "\"sherry\"");
  expectNestedRefusal("quantization_config", {{"group_size", "4"}},
                      "quant_method", "", "missing");
  refuse("granularity", "\"per_block\"", "per_channel");
  refuse("granularity", "4", "a string");
  refuse("group_size", "126", "multiple of 4");
  refuse("group_size", "0", "from 4");
  refuse("N", "2", "from 3 to 3");
  refuse("M", "8", "from 4 to 4");
  refuse("modules_to_not_convert", "\"lm_head\"", "list of strings");
  refuse("modules_to_not_convert", "[1]", "list of strings");
  refuse("modules_to_not_convert", "[\"a\",1,\"b\"]", "list of strings");
  refuse("modules_to_not_convert", "[\"lm_head\",\"visual\"]",
         "without \"visual\", which names no module");
  refuse("modules_to_not_convert", "[\"\"]", "names no module");
  refuse("modules_to_not_convert", "[\"re:.*q_proj\"]",
         "which is a regular expression; name modules");
  refuse("modules_to_not_convert", "[\"model.layers.1.self_attn.q_proj\"]",
         "the same for all layers");
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

  // What is no token is left out.
  folder.write("generation_config.json", "{\"eos_token_id\":[1000]}");
  config = ModelConfig::load(folder.path());
  ASSERT_TRUE(bool(config));
  EXPECT_THAT(config->eosTokenIds, ElementsAre(2));
  EXPECT_THAT(config->notes, ElementsAre(mentions("generation_config.json",
                                                  "eos_token_id", "1000")));
  folder.write("generation_config.json", "{\"eos_token_id\":\"</s>\"}");
  EXPECT_THAT(messageOf(ModelConfig::load(folder.path())),
              mentions("generation_config.json", "eos_token_id"));
  folder.write("config.json", std::string(17 << 20, ' '));
  EXPECT_THAT(messageOf(ModelConfig::load(folder.path())),
              mentions("config.json", "more than"));
}

TEST(ModelConfigTest, ReadsHowTokensAreToBeChosen) {
  auto choose = [](const std::string &text) {
    ModelConfig config = good({});
    EXPECT_EQ(messageOf(config.applyGenerationConfig(
                  llvm::MemoryBufferRef(text, "generation_config.json"))),
              "");
    return config;
  };
  using testing::Pair;
  EXPECT_THAT(choose("{}").sampling, IsEmpty());
  EXPECT_THAT(choose(R"({"do_sample":true,"temperature":0.7,"top_k":20,
                         "top_p":0.6,"min_p":0.05,"typical_p":0.9,
                         "repetition_penalty":1.05})")
                  .sampling,
              ElementsAre(Pair("min_p", 0.05), Pair("repetition_penalty", 1.05),
                          Pair("temperature", 0.7), Pair("top_k", 20),
                          Pair("top_p", 0.6), Pair("typical_p", 0.9)));
  EXPECT_THAT(choose(R"({"do_sample":false,"temperature":0.7})").sampling,
              ElementsAre(Pair("temperature", 0)));
  EXPECT_THAT(choose(R"({"top_k":-1,"top_p":null})").sampling,
              ElementsAre(Pair("top_k", 0)));
  ModelConfig wrong = choose(R"({"temperature":-1,"top_k":2.5,"top_p":0,
                                 "min_p":"0.1","repetition_penalty":1.05})");
  EXPECT_THAT(wrong.sampling, ElementsAre(Pair("repetition_penalty", 1.05)));
  EXPECT_THAT(wrong.notes,
              ElementsAre(mentions("generation_config.json: temperature is -1",
                                   "left out"),
                          mentions("top_k is 2.5"), mentions("top_p is 0"),
                          mentions("min_p is \"0.1\"")));
}
