//===- DiagnosticsTest.cpp - Ranks, trapped weights, histograms -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Diagnostics.h"

#include <torch/torch.h>

#include <gtest/gtest.h>

using namespace sherry;
using namespace sherry::training;

TEST(Diagnostics, EffectiveRank) {
  EXPECT_NEAR(computeEffectiveRank(torch::eye(7)), 7, 1e-5);
  EXPECT_NEAR(computeEffectiveRank(torch::ones({5, 9})), 1, 1e-3);
  EXPECT_EQ(computeEffectiveRank(torch::zeros({3, 4})), 0);
  // Singular values 3 and 1: exp(-(3/4 ln 3/4 + 1/4 ln 1/4)).
  EXPECT_NEAR(computeEffectiveRank(torch::diag(torch::tensor({3.0f, -1.0f}))),
              std::exp(-(0.75 * std::log(0.75) + 0.25 * std::log(0.25))), 1e-5);
}

TEST(Diagnostics, TrappedWeights) {
  std::string json = R"({"architectures": ["LlamaForCausalLM"],
    "model_type": "llama", "hidden_size": 4, "intermediate_size": 4,
    "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 3})";
  Projection projection;
  projection.kind = QuantizerKind::Sherry;
  Transformer model(llvm::cantFail(ModelConfig::parse({json, "test"})),
                    projection);
  model.initialize(1, 1);
  constexpr size_t index = 2;
  Parameter &parameter = model.getParameters()[index];
  ASSERT_TRUE(parameter.isLinear);
  TrappedWeights trapped(model);
  auto observe = [&](int64_t step) {
    llvm::cantFail(model.prepare(0, /*keepsTrits=*/true));
    trapped.observe(model, step);
  };
  observe(1);
  EXPECT_EQ(trapped.getShare(index, 1, 1), 0);
  observe(2);
  EXPECT_EQ(trapped.getShare(index, 2, 1), 1);
  {
    // All trits of a row of four change but the zero.
    at::NoGradGuard noGradients;
    parameter.value[0].neg_();
  }
  observe(3);
  EXPECT_EQ(trapped.getShare(index, 3, 1), 13.0 / 16);
  EXPECT_EQ(trapped.getShare(index, 3, 2), 13.0 / 16);
  EXPECT_EQ(trapped.getShare(index, 3, 3), 0);
  observe(4);
  EXPECT_EQ(trapped.getShare(index, 4, 1), 1);
  EXPECT_EQ(trapped.getShare(index, 4, 3), 13.0 / 16);
}

TEST(Diagnostics, Histogram) {
  torch::Tensor weights = torch::tensor({-9.0f, -0.4f, 0.0f, 0.4f, 0.6f, 9.0f});
  EXPECT_EQ(countBins(weights, 3, 1), (std::vector<int64_t>{1, 3, 2}));
  EXPECT_EQ(countBins(weights, 1, 1), (std::vector<int64_t>{6}));
}
