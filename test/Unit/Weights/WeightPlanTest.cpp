//===- WeightPlanTest.cpp - Which weights a model has ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightPlan.h"
#include "../Import/TestFiles.h"

using namespace sherry;
using namespace sherry::test;
using format::DenseFormat;

namespace {
class WeightPlanTest : public testing::Test {
protected:
  /// The plan for random weights.
  WeightPlan plan() {
    auto result = planWeights(options, /*keepNumbers=*/false, config,
                              /*checkpoint=*/nullptr, llvm::nulls());
    EXPECT_TRUE(bool(result));
    return result ? std::move(*result) : WeightPlan();
  }
  std::string message() {
    return messageOf(planWeights(options, /*keepNumbers=*/false, config,
                                 /*checkpoint=*/nullptr, llvm::nulls()));
  }

  WeightOptions options;
  ModelConfig config = llvm::cantFail(ModelConfig::parse(llvm::MemoryBufferRef(
      R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"],
          "vocab_size": 32, "hidden_size": 64, "intermediate_size": 128,
          "num_hidden_layers": 2, "num_attention_heads": 4,
          "max_position_embeddings": 16, "rms_norm_eps": 1e-5,
          "tie_word_embeddings": false})",
      "config.json")));
};
} // namespace

TEST_F(WeightPlanTest, ListsWeightsInTheOrderOfTheGraph) {
  std::string names;
  for (const PlannedWeight &weight : plan().weights)
    names += weight.name + " ";
  EXPECT_EQ(names, "embedding attention_norm q k v o gate up down ffn_norm "
                   "output_norm head ");
}

TEST_F(WeightPlanTest, NamesTensorsWithAPlaceForTheLayer) {
  PlannedWeight down = plan().weights[8];
  EXPECT_EQ(down.source, "model.layers.{}.mlp.down_proj.weight");
  EXPECT_EQ(down.count, 2);
  EXPECT_THAT(down.shape, testing::ElementsAre(64, 128));
  ASSERT_TRUE(getTernary(down.type));
  EXPECT_EQ(getTernary(down.type)->layout.groupSize, 128);
}

TEST_F(WeightPlanTest, FollowsTheOptions) {
  options.quantize = false;
  options.head = DenseFormat::Q6_K;
  WeightPlan result = plan();
  EXPECT_EQ(std::get<DenseFormat>(result.weights.front().type),
            DenseFormat::BF16);
  EXPECT_EQ(std::get<DenseFormat>(result.weights[2].type), DenseFormat::BF16);
  EXPECT_EQ(std::get<DenseFormat>(result.weights.back().type),
            DenseFormat::Q6_K);
}

TEST_F(WeightPlanTest, TakesTypesThatAreGiven) {
  TernaryWeights strided;
  strided.isStrided = true;
  options.types = {{"v", DenseFormat::Q4_0}, {"head", strided}};
  WeightPlan result = plan();
  EXPECT_TRUE(getTernary(result.weights[3].type));
  EXPECT_EQ(std::get<DenseFormat>(result.weights[4].type), DenseFormat::Q4_0);
  ASSERT_TRUE(getTernary(result.weights.back().type));
  EXPECT_TRUE(getTernary(result.weights.back().type)->isStrided);
}

TEST_F(WeightPlanTest, StoresATiedEmbeddingLikeTheHead) {
  config.tieWordEmbeddings = true;
  WeightPlan result = plan();
  EXPECT_EQ(std::get<DenseFormat>(result.weights.front().type),
            DenseFormat::Q8_0);
  EXPECT_EQ(result.weights.back().name, "output_norm");
}

TEST_F(WeightPlanTest, RefusesSizesOfGroups) {
  options.groupSize = 6;
  EXPECT_THAT(message(), mentions("is 6", "multiple of 4"));
  options.groupSize = 32;
  options.granularity = format::Granularity::PerTensor;
  EXPECT_THAT(message(), mentions("per_group"));
}
