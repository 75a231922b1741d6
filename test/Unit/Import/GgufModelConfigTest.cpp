//===- GgufModelConfigTest.cpp - Models that GGUF files describe ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "sherry/Import/GgufConfig.h"
#include "sherry/Import/ModelConfig.h"

#include <cmath>
#include <limits>

using namespace sherry;
using namespace sherry::test;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// A value: its type and its bytes.
struct Value {
  uint32_t type;
  std::string bytes;
};
template <typename T> std::string bytesOf(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof(value)};
}
Value u32(uint32_t value) { return {4, bytesOf(value)}; }
Value i32(int32_t value) { return {5, bytesOf(value)}; }
Value f32(float value) { return {6, bytesOf(value)}; }
Value flag(bool value) { return {7, bytesOf(value)}; }
Value text(const std::string &value) {
  return {8, bytesOf<uint64_t>(value.size()) + value};
}
Value list(const std::vector<uint32_t> &values) {
  std::string bytes = bytesOf<uint32_t>(4) + bytesOf<uint64_t>(values.size());
  for (uint32_t value : values)
    bytes += bytesOf(value);
  return {9, bytes};
}

using Values = std::map<std::string, Value>;

/// The keys that have no default, of heads of 16.
const Values kValues = {
    {"general.architecture", text("llama")},
    {"llama.vocab_size", u32(1000)},
    {"llama.embedding_length", u32(192)},
    {"llama.feed_forward_length", u32(320)},
    {"llama.block_count", u32(2)},
    {"llama.attention.head_count", u32(12)},
    {"llama.context_length", u32(2048)},
    {"llama.attention.layer_norm_rms_epsilon", f32(1e-5F)},
};

/// The model of a file with these values beside or instead of kValues, without
/// the key `without`, and with these numbers as rope_freqs.weight, if any.
llvm::Expected<ModelConfig> parse(Values values, const std::string &without,
                                  const std::vector<float> &divisors) {
  values.insert(kValues.begin(), kValues.end());
  values.erase(without);
  GgufBytes bytes;
  bytes.header(divisors.empty() ? 0 : 1, values.size());
  for (const auto &[key, value] : values) {
    bytes.string(key).number(value.type);
    bytes.bytes += value.bytes;
  }
  if (!divisors.empty()) {
    bytes.tensor("rope_freqs.weight", {divisors.size()}, /*F32=*/0, 0);
    bytes.data(divisors.size() * sizeof(float));
    memcpy(&bytes.bytes[bytes.bytes.size() - divisors.size() * sizeof(float)],
           divisors.data(), divisors.size() * sizeof(float));
  }
  auto file = bytes.parse();
  if (!file)
    return file.takeError();
  GgufModel model;
  model.files.push_back(std::move(*file));
  auto translated = translateConfig(model);
  if (!translated)
    return translated.takeError();
  auto config = ModelConfig::parse("m.gguf", *translated);
  if (config)
    config->notes.insert(config->notes.end(), translated->notes.begin(),
                         translated->notes.end());
  return config;
}

ModelConfig goodGguf(const Values &values,
                     const std::vector<float> &divisors = {}) {
  auto config = parse(values, "", divisors);
  if (!config) {
    ADD_FAILURE() << llvm::toString(config.takeError());
    return {};
  }
  return *config;
}

void expectRefusal(const std::string &key, const Value &value,
                   const std::string &remedy) {
  EXPECT_THAT(messageOf(parse({{key, value}}, "", {})),
              mentions("m.gguf: key \"" + key + "\" is ", remedy));
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(GgufModelConfigTest, DefaultsAreThoseOfLlamaCpp) {
  ModelConfig config = goodGguf({});
  EXPECT_EQ(config.numKeyValueHeads, 12);
  EXPECT_EQ(config.headDim, 16);
  EXPECT_EQ(config.rmsNormEps, 1e-5);
  EXPECT_EQ(config.ropeTheta, 10000);
  EXPECT_TRUE(config.tieWordEmbeddings);
  EXPECT_FALSE(config.ropeScaling);
  EXPECT_THAT(config.notes, IsEmpty());
  for (const auto &[key, value] : kValues) {
    if (key == "general.architecture")
      continue;
    EXPECT_THAT(messageOf(parse({}, key, {})),
                mentions("key \"" + key + "\" is missing"));
  }
}

TEST(GgufModelConfigTest, NamesTheKeysOfTheFile) {
  const std::string epsilon = "llama.attention.layer_norm_rms_epsilon";
  for (const std::string &key :
       {epsilon, std::string("llama.rope.freq_base")}) {
    expectRefusal(key, f32(kNaN), "is nan; it must be a number");
    expectRefusal(key, f32(kInfinity), "is inf; it must be a number");
    expectRefusal(key, text("1e-5"), "is \"1e-5\"; it must be a number");
    expectRefusal(key, f32(0), "it must be a number");
    expectRefusal(key, flag(true), "it must be a number");
  }
  expectRefusal("llama.block_count", u32(0), "an integer from 1");
  expectRefusal("llama.block_count", f32(2), "is 2.0; it must be an integer");
  expectRefusal("llama.embedding_length", i32(-4), "is -4; it must be");
  expectRefusal("llama.attention.head_count_kv", u32(5),
                "a divisor of llama.attention.head_count");
  expectRefusal("general.architecture", text("mamba"), "\"hunyuan-dense\"");
  expectRefusal("sherry.granularity", text("per_block"), "\"per_group\"");
  expectRefusal("sherry.codebook", text("1:2"), "one of 3:4, 2:6, dense");
}

TEST(GgufModelConfigTest, ActivationOfBitNet) {
  auto activation = [](const std::string &name, Values values) {
    values.emplace("general.architecture", text(name));
    for (const auto &[key, value] : kValues)
      if (llvm::StringRef rest = key; rest.consume_front("llama."))
        values.try_emplace(name + "." + rest.str(), value);
    ModelConfig config = goodGguf(values);
    EXPECT_STREQ(config.architecture->name, "bitnet");
    return config.activation;
  };
  EXPECT_EQ(activation("bitnet-b1.58", {}), GateActivation::Relu2);
  EXPECT_EQ(activation("bitnet-25", {}), GateActivation::Relu2);
  EXPECT_EQ(activation("bitnet", {}), GateActivation::Silu);
  EXPECT_EQ(activation("bitnet", {{"bitnet.vocab_size", u32(128256)},
                                  {"bitnet.feed_forward_length", u32(6912)}}),
            GateActivation::Relu2);
  EXPECT_EQ(activation("bitnet", {{"bitnet.hidden_activation", text("relu2")}}),
            GateActivation::Relu2);
}

TEST(GgufModelConfigTest, TakesEqualListsForEqualLayers) {
  ModelConfig config =
      goodGguf({{"llama.attention.head_count_kv", list({3, 3})},
                {"llama.feed_forward_length", list({324, 324})}});
  EXPECT_EQ(config.numKeyValueHeads, 3);
  EXPECT_EQ(config.intermediateSize, 324);
  for (const Value &value : {list({3, 6}), list({3, 3, 3}), list({})})
    expectRefusal("llama.attention.head_count_kv", value,
                  "a list; it must be one number or the same for each layer");
}

TEST(GgufModelConfigTest, RefusesWhatOtherModelsDo) {
  for (std::string key : {"attn_logit_softcapping", "final_logit_softcapping",
                          "attention.clamp_kqv", "attention.max_alibi_bias"}) {
    expectRefusal("llama." + key, f32(8), "is 8.0; it must be false or 0");
    goodGguf({{"llama." + key, f32(0)}});
  }
  for (std::string key : {"logit_scale", "embedding_scale", "residual_scale"}) {
    expectRefusal("llama." + key, f32(0.5), "is 0.5; it must be 1");
    for (float none : {0.0F, 1.0F})
      goodGguf({{"llama." + key, f32(none)}});
  }
  expectRefusal("llama.attention.scale", f32(0.5), "1 / sqrt(16)");
  for (float none : {0.0F, 0.25F})
    goodGguf({{"llama.attention.scale", f32(none)}});
  expectRefusal("llama.attention.causal", flag(false), "true");
  goodGguf({{"llama.attention.causal", flag(true)}});
  expectRefusal("llama.expert_count", u32(8), "0 or 1");
  for (std::string key : {"rope.dimension_count", "attention.value_length"}) {
    expectRefusal("llama." + key, u32(8), "16, the size of a head");
    goodGguf({{"llama." + key, u32(16)}});
  }
  expectRefusal("llama.attention.sliding_window", u32(1024),
                "at least llama.context_length, which is 2048");
  for (uint32_t wide : {0, 2048})
    goodGguf({{"llama.attention.sliding_window", u32(wide)}});
}

TEST(GgufModelConfigTest, RefusesHadamardTransforms) {
  EXPECT_THAT(messageOf(parse({{"prism.hadamard.version", u32(1)}}, "", {})),
              mentions("m.gguf: key \"prism.hadamard.version\"",
                       "not supported", "without them"));
}

TEST(GgufModelConfigTest, LeavesOutIdsThatAreNoTokens) {
  ModelConfig config = goodGguf({{"tokenizer.ggml.bos_token_id", u32(1000)},
                                 {"tokenizer.ggml.eos_token_id", u32(~0U)},
                                 {"tokenizer.ggml.eot_token_id", u32(999)}});
  EXPECT_FALSE(config.bosTokenId);
  EXPECT_THAT(config.eosTokenIds, ElementsAre(999));
  EXPECT_THAT(
      config.notes,
      ElementsAre(
          mentions("tokenizer.ggml.bos_token_id says 1000"),
          mentions("tokenizer.ggml.eos_token_id says 4294967295", "left out")));
  expectRefusal("tokenizer.ggml.eos_token_id", text("</s>"), "not an integer");
}

TEST(GgufModelConfigTest, SentencePieceHasBos1AndEos2) {
  const Values values = {{"tokenizer.ggml.model", text("llama")}};
  EXPECT_EQ(goodGguf(values).bosTokenId, 1);
  EXPECT_THAT(goodGguf(values).eosTokenIds, ElementsAre(2));
  ModelConfig other = goodGguf({{"tokenizer.ggml.model", text("llama")},
                                {"tokenizer.ggml.bos_token_id", u32(5)},
                                {"tokenizer.ggml.eos_token_id", u32(6)}});
  EXPECT_EQ(other.bosTokenId, 5);
  EXPECT_THAT(other.eosTokenIds, ElementsAre(6));
  ModelConfig bytes = goodGguf({{"tokenizer.ggml.model", text("gpt2")}});
  EXPECT_FALSE(bytes.bosTokenId);
  EXPECT_THAT(bytes.eosTokenIds, IsEmpty());
}

TEST(GgufModelConfigTest, ReadsHowTokensAreToBeChosen) {
  using testing::Pair;
  ModelConfig config =
      goodGguf({{"general.sampling.temp", f32(0.7F)},
                {"general.sampling.top_k", i32(20)},
                {"general.sampling.top_p", f32(kNaN)},
                {"general.sampling.penalty_repeat", f32(1.05F)}});
  EXPECT_THAT(config.sampling,
              ElementsAre(Pair("repetition_penalty", 1.05),
                          Pair("temperature", 0.7), Pair("top_k", 20)));
  EXPECT_THAT(config.notes,
              ElementsAre(HasSubstr("m.gguf: general.sampling.top_p is nan")));
}

TEST(GgufModelConfigTest, ReadsYarnAsLlamaCppDoes) {
  Values values = {{"llama.rope.freq_base", f32(1e6)},
                   {"llama.rope.scaling.type", text("yarn")},
                   {"llama.rope.scaling.factor", f32(4)},
                   {"llama.rope.scaling.original_context_length", u32(16384)}};
  ModelConfig config = goodGguf(values);
  ASSERT_TRUE(config.ropeScaling);
  EXPECT_DOUBLE_EQ(config.ropeScaling->magnitude, 1.138629436111989);
  // As the test of ModelConfig has it.
  EXPECT_NEAR(computeRopeFrequencies(config)[3], 0.00421755994, 1e-11);
  values.insert({{"llama.rope.scaling.attn_factor", f32(1.5)},
                 {"llama.rope.scaling.yarn_beta_fast", f32(16)},
                 {"llama.rope.scaling.yarn_beta_slow", f32(2)}});
  config = goodGguf(values);
  EXPECT_DOUBLE_EQ(config.ropeScaling->magnitude, 1.5 * 1.138629436111989);
  EXPECT_EQ(config.ropeScaling->betaFast, 16);
  EXPECT_EQ(config.ropeScaling->betaSlow, 2);
  // Without the length, the context is the original one.
  values.erase("llama.rope.scaling.original_context_length");
  EXPECT_EQ(goodGguf(values).ropeScaling->originalMaxPositionEmbeddings, 2048);
  // The multiplier of all dimensions cancels the other.
  values.erase("llama.rope.scaling.attn_factor");
  values.insert({"llama.rope.scaling.yarn_log_multiplier", f32(1)});
  EXPECT_EQ(goodGguf(values).ropeScaling->magnitude, 1);
  values.insert_or_assign("llama.rope.scaling.factor", f32(1));
  EXPECT_FALSE(goodGguf(values).ropeScaling);
  values.insert({"llama.rope.scaling.yarn_ext_factor", f32(0.5)});
  EXPECT_THAT(messageOf(parse(values, "", {})),
              mentions("yarn_ext_factor\" is 0.5; it must be 1"));
}

TEST(GgufModelConfigTest, DividesPositions) {
  const Value four = f32(4);
  for (const Values &values :
       {Values{{"llama.rope.scaling.factor", four}},
        Values{{"llama.rope.scale_linear", four}},
        Values{{"llama.rope.scaling.type", text("linear")},
               {"llama.rope.scaling.factor", four}}}) {
    ModelConfig config = goodGguf(values);
    ASSERT_TRUE(config.ropeScaling);
    EXPECT_EQ(config.ropeScaling->type, RopeScaling::Type::Linear);
    EXPECT_EQ(computeRopeFrequencies(config)[0], 0.25);
  }
  for (const Values &values : {Values{{"llama.rope.scaling.factor", f32(1)}},
                               Values{{"llama.rope.scaling.factor", f32(0)}},
                               Values{{"llama.rope.scaling.type", text("none")},
                                      {"llama.rope.scaling.factor", four}}})
    EXPECT_FALSE(goodGguf(values).ropeScaling);
  expectRefusal("llama.rope.scaling.type", text("longrope"),
                "\"none\", \"linear\" or \"yarn\"");
  expectRefusal("llama.rope.scaling.factor", text("4"), "a number");
  expectRefusal("llama.rope.scaling.factor", f32(kNaN), "is nan");
  expectRefusal("llama.rope.scaling.attn_factor", f32(2), "must be 1");
}

TEST(GgufModelConfigTest, TakesDivisorsAsTheyAre) {
  const std::vector<float> divisors = {1, 1, 1.5, 2, 3, 5, 5, 7};
  auto frequencies = computeRopeFrequencies(goodGguf({}, divisors));
  ASSERT_EQ(frequencies.size(), 8U);
  for (size_t i = 0; i < 8; ++i)
    EXPECT_DOUBLE_EQ(frequencies[i],
                     std::pow(10000.0, -2.0 * i / 16) / divisors[i]);
  ModelConfig scaled =
      goodGguf({{"llama.rope.scaling.factor", f32(2)}}, divisors);
  EXPECT_DOUBLE_EQ(computeRopeFrequencies(scaled)[2],
                   std::pow(10000.0, -4.0 / 16) / 3);
  EXPECT_FALSE(goodGguf({}, std::vector<float>(8, 1)).ropeScaling);
  // Heads may be as large as elsewhere.
  EXPECT_TRUE(goodGguf({{"llama.attention.key_length", u32(1 << 16)}},
                       std::vector<float>(1 << 15, 2))
                  .ropeScaling);
  EXPECT_THAT(messageOf(parse({}, "", {1, 2, 3})),
              mentions("key \"rope_freqs.weight\" is [1.0,2.0,3.0]",
                       "a list of 8 positive numbers"));
  EXPECT_THAT(messageOf(parse({{"llama.rope.scaling.type", text("yarn")}}, "",
                              divisors)),
              mentions("rope_freqs.weight", "beside"));
}

TEST(GgufModelConfigTest, RecognizesTheRuleOfLLaMA3) {
  auto folder = ModelConfig::parse(llvm::MemoryBufferRef(
      R"({"model_type":"llama","vocab_size":1000,"hidden_size":192,
          "intermediate_size":320,"num_hidden_layers":2,
          "num_attention_heads":12,"rope_scaling":{"rope_type":"llama3",
          "factor":8,"low_freq_factor":1,"high_freq_factor":4,
          "original_max_position_embeddings":512}})",
      "config.json"));
  ASSERT_TRUE(bool(folder));
  std::vector<double> exact = listRopeDivisors(*folder);
  ModelConfig config = goodGguf({}, {exact.begin(), exact.end()});
  ASSERT_TRUE(config.ropeScaling);
  EXPECT_EQ(config.ropeScaling->originalMaxPositionEmbeddings, 512);
  // Not those that the divisors were rounded to.
  EXPECT_EQ(computeRopeFrequencies(config), computeRopeFrequencies(*folder));
}

} // namespace
