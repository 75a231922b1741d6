//===- QuantizationConfigTest.cpp - The quantization_config of config.json ===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::IsEmpty;

static const Fields kSherry = {{"quant_method", "\"sherry\""}};

TEST(QuantizationConfigTest, ReadsQuantization) {
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
  EXPECT_EQ(quantization("").codebook, &format::k3of4);
  for (const format::Codebook *codebook : format::kCodebooks) {
    std::string name(codebook->name);
    EXPECT_EQ(quantization(",\"codebook\":\"" + name + "\"").codebook,
              codebook);
  }
  EXPECT_EQ(quantization(R"(,"codebook":"2:6","N":2,"M":6)").codebook,
            &format::k2of6);
}

/// As transformers matches entries of modules_to_not_convert.
TEST(QuantizationConfigTest, FindsModulesThatStayDense) {
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

TEST(QuantizationConfigTest, EmptyQuantizationIsNone) {
  EXPECT_FALSE(good({{"quantization_config", "{}"}}).quantization);
}

TEST(QuantizationConfigTest, RefusesOtherQuantization) {
  auto refuse = [](const std::string &field, const std::string &value,
                   const std::string &remedy) {
    expectNestedRefusal("quantization_config", kSherry, field, value, remedy);
  };
  refuse("quant_method", "\"gptq\"", "\"sherry\" or \"bitnet\"");
  expectNestedRefusal("quantization_config", {{"group_size", "4"}},
                      "quant_method", "", "missing");
  refuse("granularity", "\"per_block\"", "per_channel");
  refuse("granularity", "4", "a string");
  refuse("group_size", "126", "multiple of 4");
  refuse("group_size", "0", "from 4");
  refuse("N", "2", "must be 3, as the codebook is 3:4");
  refuse("M", "8", "must be 4, as the codebook is 3:4");
  refuse("N", "3.5", "must be 3");
  refuse("codebook", "\"1:2\"", "one of 3:4, 2:6, dense");
  refuse("codebook", "4", "a string");
  auto refuseFor = [](const std::string &codebook, const std::string &field,
                      const std::string &value, const std::string &remedy) {
    Fields fields = kSherry;
    fields["codebook"] = codebook;
    expectNestedRefusal("quantization_config", fields, field, value, remedy);
  };
  refuseFor("\"2:6\"", "N", "3", "must be 2, as the codebook is 2:6");
  refuseFor("\"2:6\"", "M", "4", "must be 6, as the codebook is 2:6");
  refuseFor("\"dense\"", "N", "3", "left out, as the codebook dense");
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

TEST(QuantizationConfigTest, ReadsBitNet) {
  using Form = BitNetConfig::Form;
  auto form = [](const std::string &fields) {
    ModelConfig config =
        good({{"quantization_config",
               "{\"quant_method\":\"bitnet\"" + fields + "}"}});
    EXPECT_FALSE(config.quantization);
    return config.bitNet->form;
  };
  EXPECT_EQ(form(""), Form::Divide);
  EXPECT_EQ(form(R"(,"linear_class":"bitlinear")"), Form::Divide);
  EXPECT_EQ(form(R"(,"quantization_mode":"online")"), Form::Divide);
  EXPECT_EQ(form(R"(,"linear_class":"autobitlinear")"), Form::Multiply);
  EXPECT_EQ(form(R"(,"linear_class":"autobitlinear",
                     "quantization_mode":"online","use_rms_norm":false)"),
            Form::Latent);
  auto refuse = [](const std::string &field, const std::string &value,
                   const std::string &remedy) {
    expectNestedRefusal(
        "quantization_config",
        {{"quant_method", "\"bitnet\""}, {"linear_class", "\"autobitlinear\""}},
        field, value, remedy);
  };
  refuse("linear_class", "\"linear\"", "\"bitlinear\" or \"autobitlinear\"");
  refuse("quantization_mode", "\"lazy\"", "\"offline\" or \"online\"");
  refuse("use_rms_norm", "true", "false");
  refuse("modules_to_not_convert", "[\"visual\"]", "names no module");
}
