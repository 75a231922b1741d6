//===- TrainingConfigTest.cpp - Keys of the configuration -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TrainingConfig.h"
#include "sherry/Training/ModelFolder.h"

#include <gmock/gmock.h>

#include <set>

using namespace sherry;
using namespace sherry::training;
using nlohmann::json;
using testing::HasSubstr;

static std::string getError(llvm::Error error) {
  return llvm::toString(std::move(error));
}

TEST(TrainingConfig, NamesAreUniqueAndRoundTrip) {
  std::set<std::string> names;
  for (const ConfigKey &key : listConfigKeys())
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
  TrainingConfig config;
  config.steps = 77;
  config.trainFiles = {"a", "b"};
  config.tieWordEmbeddings = false;
  config.learningRate = 0.125;
  TrainingConfig again;
  ASSERT_FALSE(again.apply(json(config.toJson()), "test"));
  EXPECT_EQ(again.toJson(), config.toJson());
}

TEST(TrainingConfig, DefaultsAreInRange) {
  TrainingConfig config;
  EXPECT_EQ(getError(config.apply(json(TrainingConfig().toJson()), "test")),
            "");
}

TEST(TrainingConfig, RefusesWhatIsWrong) {
  auto refuse = [](const json &object) {
    TrainingConfig config;
    return getError(config.apply(object, "run.json"));
  };
  EXPECT_THAT(refuse({{"step", 5}}),
              HasSubstr("run.json: there is no key \"step\""));
  EXPECT_THAT(refuse({{"steps", "many"}}),
              HasSubstr("run.json: field \"steps\" is \"many\"; it must be an "
                        "integer from 1"));
  EXPECT_THAT(refuse({{"steps", 0}}), HasSubstr("\"steps\" is 0"));
  EXPECT_THAT(refuse({{"learning_rate", -1}}), HasSubstr("learning_rate"));
  EXPECT_THAT(
      refuse({{"adam_beta1", 0.99999999}}),
      HasSubstr("\"adam_beta1\" is 0.99999999; it must be a number from "
                "0.0 to 0.9999999"));
  EXPECT_EQ(refuse({{"adam_beta2", 0.9999999}}), "");
  EXPECT_LT(static_cast<float>(0.9999999), 1);
  EXPECT_THAT(refuse({{"quantizer", "ternary"}}),
              HasSubstr("one of sherry, binary, none"));
  EXPECT_THAT(refuse({{"codebook", "1:2"}}),
              HasSubstr("one of 3:4, 2:6, dense"));
  EXPECT_THAT(refuse({{"train_files", "text.txt"}}),
              HasSubstr("a list of strings"));
  EXPECT_THAT(refuse({{"tie_word_embeddings", 1}}), HasSubstr("true or false"));
}

TEST(TrainingConfig, Validates) {
  TrainingConfig config;
  EXPECT_THAT(getError(config.validate()), HasSubstr("train_files"));
  config.trainFiles = {"text"};
  EXPECT_THAT(getError(config.validate()), HasSubstr("tokenizer"));
  config.tokenizer = "folder";
  EXPECT_EQ(getError(config.validate()), "");
  config.groupSize = 6;
  EXPECT_THAT(getError(config.validate()), HasSubstr("multiple of 4"));
  config.groupSize = 8;
  config.batchSize = config.accumulationSteps = config.contextLength = 1 << 24;
  EXPECT_THAT(getError(config.validate()), HasSubstr("2^63 tokens or more"));
  config.contextLength = 1;
  EXPECT_EQ(getError(config.validate()), "");
  config.arenasEnd = 0.05;
  EXPECT_THAT(getError(config.validate()), HasSubstr("arenas_end"));
}

TEST(TrainingConfig, DescribesAModel) {
  auto tokenizer = llvm::cantFail(
      TextTokenizer::open(SHERRY_SOURCE_DIR "/examples/shakespeare"));
  TrainingConfig config;
  config.ropeScalingFactor = 32;
  auto description = llvm::cantFail(makeDescription(config, tokenizer));
  EXPECT_EQ(description.config.vocabSize, 1024);
  EXPECT_EQ(description.config.numKeyValueHeads, config.numHeads);
  EXPECT_EQ(description.config.headDim, 64);
  ASSERT_TRUE(description.config.ropeScaling);
  EXPECT_EQ(description.config.ropeScaling->factor, 32);
  EXPECT_EQ(description.config.bosTokenId, 1022);
  config.vocabSize = 1000;
  EXPECT_THAT(getError(makeDescription(config, tokenizer).takeError()),
              HasSubstr("vocab_size is 1000, but the tokenizer has 1024"));
  config.vocabSize = 0;
  config.hiddenSize = 250;
  EXPECT_THAT(getError(makeDescription(config, tokenizer).takeError()),
              HasSubstr("hidden_size"));
}
