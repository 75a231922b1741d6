//===- RopeConfigTest.cpp - What config.json says about rope --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::IsEmpty;

static const Fields kLlama3 = {{"rope_type", "\"llama3\""},
                               {"factor", "32.0"},
                               {"low_freq_factor", "1.0"},
                               {"high_freq_factor", "4.0"},
                               {"original_max_position_embeddings", "8192"}};

TEST(RopeConfigTest, ReadsRopeScaling) {
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

TEST(RopeConfigTest, ReadsRopeThetaWhereTheScalingIs) {
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

TEST(RopeConfigTest, ScalingsInTwoSpellingsAreTheSame) {
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
TEST(RopeConfigTest, StretchesFrequenciesByYarn) {
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

TEST(RopeConfigTest, YarnMagnifiesQueriesAndKeys) {
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

TEST(RopeConfigTest, RefusesOtherRopeScaling) {
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
