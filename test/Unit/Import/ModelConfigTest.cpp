//===- ModelConfigTest.cpp - What config.json says about a model ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::IsEmpty;

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
  ModelConfig bitNet = family("bitnet", {{"num_attention_heads", "8"},
                                         {"num_key_value_heads", "4"},
                                         {"hidden_act", "null"},
                                         {"rms_norm_eps", "null"},
                                         {"rope_theta", "null"}});
  EXPECT_EQ(bitNet.ropeTheta, 500000);
  EXPECT_EQ(bitNet.rmsNormEps, 1e-5);
  EXPECT_EQ(bitNet.activation, GateActivation::Relu2);
  EXPECT_EQ(family("bitnet",
                   {{"num_key_value_heads", "3"}, {"hidden_act", "\"silu\""}})
                .activation,
            GateActivation::Silu);
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
  for (std::string other : {"\"gelu\"", "\"relu2\""})
    expectRefusal("hidden_act", other, "must be \"silu\"");
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
  EXPECT_THAT(
      good({{"eos_token_id", "[1000,1,2000,3000]"}}).notes,
      ElementsAre(mentions("eos_token_id says 1000, which is not a token",
                           "it and 2 more of the list are left out")));
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
