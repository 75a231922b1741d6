//===- ProjectionSampleTest.cpp - What trits make of weights --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ProjectionSample.h"
#include "TestFiles.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

using namespace sherry;
using namespace sherry::test;
using testing::HasSubstr;

static constexpr int64_t kSize = 256, kLayers = 2;

namespace {
class ProjectionSampleTest : public testing::Test {
protected:
  ProjectionSampleTest() {
    std::string text =
        R"({"architectures":["LlamaForCausalLM"],"model_type":"llama",)"
        R"("hidden_size":256,"intermediate_size":256,"num_hidden_layers":2,)"
        R"("num_attention_heads":4,"vocab_size":10,"hidden_act":"silu",)"
        R"("max_position_embeddings":64,"rms_norm_eps":1e-5})";
    config = llvm::cantFail(
        ModelConfig::parse(llvm::MemoryBufferRef(text, "config.json")));
  }

  /// All linear layers have weights that `draw` makes, four at a time.
  void writeWeights(const std::function<void(float *)> &draw) {
    std::string header = "{", data;
    for (const LinearLayer &linear : listLinearLayers(config))
      for (int64_t layer = 0; layer < kLayers; ++layer) {
        size_t begin = data.size();
        for (int64_t i = 0; i < kSize * kSize; i += 4) {
          float four[4];
          draw(four);
          data.append(reinterpret_cast<const char *>(four), sizeof(four));
        }
        header += (header.size() > 1 ? "," : "") +
                  makeEntry(nameWeight(linear, layer), "F32", "[256,256]",
                            begin, data.size());
      }
    folder.write("model.safetensors", makeSafetensors(header + "}", data));
  }

  ProjectionSample sample(const TritProjection &projection = {}) {
    Checkpoint checkpoint = llvm::cantFail(Checkpoint::open(folder.path()));
    return llvm::cantFail(sampleProjection(
        checkpoint, config, listLinearLayers(config), projection));
  }

  float drawNormal() { return normal(random); }

  TempFolder folder;
  ModelConfig config;
  std::mt19937 random{1};
  std::normal_distribution<float> normal{0, 0.02F};
};
} // namespace

TEST_F(ProjectionSampleTest,
       UntrainedWeightsHaveTheErrorOfAGaussianAndNoTrace) {
  writeWeights([&](float *four) {
    std::generate_n(four, 4, [&] { return drawNormal(); });
  });
  ProjectionSample result = sample();
  ASSERT_EQ(result.kinds.size(), 7u);
  EXPECT_EQ(result.kinds.front().name, "q");
  for (const ProjectionSample::Kind &kind : result.kinds)
    EXPECT_NEAR(kind.errorSquares / kind.squares, 0.28, 0.01) << kind.name;
  EXPECT_NEAR(result.getRelativeError(), 0.28, 0.005);
  EXPECT_LT(std::fabs(result.groupTrace), 4);
  EXPECT_FALSE(result.looksTrained());
  EXPECT_THAT(result.describeErrors(), HasSubstr("q 0.2"));
  EXPECT_THAT(result.describeErrors(), HasSubstr(", down 0.2"));
  EXPECT_THAT(result.describeProblem(), HasSubstr("28 %"));

  // Larger regions of a scale have a little more, trits without a pattern less.
  TritProjection perTensor;
  perTensor.granularity = format::Granularity::PerTensor;
  EXPECT_NEAR(sample(perTensor).getRelativeError(), 0.285, 0.01);
  TritProjection free;
  free.codebook = &format::kDense;
  EXPECT_NEAR(sample(free).getRelativeError(), 0.19, 0.01);
}

TEST_F(ProjectionSampleTest, OutliersOfInputsAreNoTrace) {
  // Some inputs have larger weights in all rows and layers.
  std::vector<float> gains(kSize);
  for (float &gain : gains)
    gain = std::exp(20 * drawNormal());
  int64_t place = 0;
  writeWeights([&](float *four) {
    for (int i = 0; i < 4; ++i)
      four[i] = drawNormal() * gains[place++ % kSize];
  });
  EXPECT_LT(std::fabs(sample().groupTrace), 4);
}

TEST_F(ProjectionSampleTest, TritsAreTrained) {
  writeWeights([&](float *four) {
    for (int i = 0; i < 4; ++i)
      four[i] = random() % 2 ? 0.5F : -0.5F;
    four[random() % 4] = 0;
  });
  ProjectionSample result = sample();
  EXPECT_EQ(result.getRelativeError(), 0);
  EXPECT_TRUE(result.looksTrained());
}

TEST_F(ProjectionSampleTest, TrainingLeavesATraceInTheGroups) {
  // Two inputs that take turns in being dropped come close to each other.
  writeWeights([&](float *four) {
    std::generate_n(four, 4, [&] { return drawNormal(); });
    std::sort(four, four + 4,
              [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    if (random() % 8 == 0)
      four[0] = four[1];
    std::shuffle(four, four + 4, random);
  });
  ProjectionSample result = sample();
  EXPECT_NEAR(result.getRelativeError(), 0.29, 0.01);
  EXPECT_GT(result.groupTrace, 6);
  EXPECT_TRUE(result.looksTrained());
}

/// The same of any pattern; groups of another one do not show it.
TEST_F(ProjectionSampleTest, TracesAreThoseOfACodebook) {
  TritProjection projection;
  projection.codebook = &format::k2of6;
  constexpr int64_t size = 6;
  // Rows of 256 inputs have two scales of 128, each of which begins anew.
  int64_t place = 0;
  float six[size];
  writeWeights([&](float *four) {
    for (int i = 0; i < 4; ++i, ++place) {
      int64_t input = place % 128 % size;
      if (input == 0) {
        std::generate_n(six, size, [&] { return drawNormal(); });
        std::sort(six, six + size,
                  [](float a, float b) { return std::fabs(a) < std::fabs(b); });
        if (random() % 8 == 0)
          six[3] = six[4];
        std::shuffle(six, six + size, random);
      }
      four[i] = six[input];
    }
  });
  ProjectionSample result = sample(projection);
  EXPECT_GT(result.groupTrace, 6);
  EXPECT_TRUE(result.looksTrained());
  EXPECT_FALSE(sample().looksTrained());
  EXPECT_THAT(sample().describeProblem(),
              HasSubstr("of the codebook 3:4: no quantization_config says so, "
                        "its groups left no trace"));
  projection.codebook = &format::kDense;
  EXPECT_FALSE(sample(projection).looksTrained());
  EXPECT_THAT(sample(projection).describeProblem(),
              HasSubstr("of the codebook dense: no quantization_config says "
                        "so, and 18 %"));
}

TEST_F(ProjectionSampleTest, TrainedModelsHaveATrace) {
  for (const char *model :
       {"examples/shakespeare", "test/Integration/Inputs/shakespeare"}) {
    SCOPED_TRACE(model);
    std::string path = std::string(SHERRY_SOURCE_DIR "/") + model;
    config = llvm::cantFail(ModelConfig::load(path));
    Checkpoint checkpoint = llvm::cantFail(Checkpoint::open(path));
    ProjectionSample result = llvm::cantFail(
        sampleProjection(checkpoint, config, listLinearLayers(config), {}));
    // Latent weights are as far from trits as those that were not trained.
    EXPECT_NEAR(result.getRelativeError(), 0.295, 0.015);
    EXPECT_GT(result.groupTrace, 12);
    EXPECT_TRUE(result.looksTrained());
  }
}
