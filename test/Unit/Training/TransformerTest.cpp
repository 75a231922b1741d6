//===- TransformerTest.cpp - The model and its gradients ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Transformer.h"
#include "sherry/Support/Json.h"
#include "sherry/Training/AdamW.h"
#include "sherry/Training/ModelFolder.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

using namespace sherry;
using namespace sherry::training;
using at::Tensor;

static const std::string kReference =
    SHERRY_SOURCE_DIR "/test/Integration/Inputs/shakespeare/";

static ModelConfig makeConfig(bool isTied) {
  std::string json = R"({"architectures": ["LlamaForCausalLM"],
    "model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 4, "vocab_size": 11,
    "rope_theta": 100, "tie_word_embeddings": )" +
                     std::string(isTied ? "true}" : "false}");
  return llvm::cantFail(ModelConfig::parse({json, "test"}));
}

static Projection makeSherry() {
  Projection projection;
  projection.kind = QuantizerKind::Sherry;
  projection.groupSize = 8;
  return projection;
}

static const Tensor kTokens =
    torch::tensor({{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}, torch::kInt64);
static const Tensor kTargets =
    torch::tensor({2, 3, 4, 5, 6, 7, 8, 9, 10, 0}, torch::kInt64);

static Tensor computeLoss(Transformer &model) {
  return headLoss(model.computeHidden(kTokens), model.getHead(), kTargets,
                  std::nullopt);
}

/// A file of NumPy's with f32 in C order.
static Tensor readNpy(const std::string &path, int64_t cols) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr size_t headerBytes = 128;
  auto count = static_cast<int64_t>((text.size() - headerBytes) / 4);
  Tensor result = torch::empty({count / cols, cols});
  std::memcpy(result.data_ptr(), text.data() + headerBytes, count * 4);
  return result;
}

TEST(Transformer, LogitsOfTheExample) {
  at::NoGradGuard noGradients;
  auto description = llvm::cantFail(readDescription(kReference));
  EXPECT_EQ(description.projection.kind, QuantizerKind::Sherry);
  description.projection.roundsScales = true;
  auto model = llvm::cantFail(
      loadModel(kReference, description, description.projection));
  llvm::cantFail(model.prepare(0));
  std::ifstream file(kReference + "prompts.json");
  nlohmann::json prompts = nlohmann::json::parse(file);
  ASSERT_EQ(prompts.size(), 5u);
  for (const auto &prompt : prompts) {
    auto ids = prompt["tokens"].get<std::vector<int64_t>>();
    Tensor tokens = torch::tensor(ids, torch::kInt64).unsqueeze(0);
    Tensor logits = model.computeHidden(tokens).mm(model.getHead().t());
    Tensor expected =
        readNpy(kReference + prompt["logits"].get<std::string>(), 1024);
    ASSERT_EQ(logits.sizes(), expected.sizes());
    EXPECT_LT((logits - expected).abs().max().item<float>(), 1e-4);
  }
}

/// Moves every weight of a parameter in a random direction and compares the
/// change of the loss with what the gradient says.
static void checkGradients(bool isTied) {
  Transformer model(makeConfig(isTied), Projection());
  model.initialize(0.3, 5);
  computeLoss(model).backward();
  torch::manual_seed(6);
  at::NoGradGuard noGradients;
  for (Parameter &parameter : model.getParameters()) {
    Tensor direction = torch::randn(parameter.value.sizes());
    double slope =
        (parameter.getLeafGradient() * direction).sum().item<double>();
    auto measure = [&](double distance) {
      parameter.value.add_(direction, distance);
      auto loss = computeLoss(model).item<double>();
      parameter.value.sub_(direction, distance);
      return loss;
    };
    constexpr double h = 4e-3;
    double difference =
        (8 * (measure(h) - measure(-h)) - (measure(2 * h) - measure(-2 * h))) /
        (12 * h);
    EXPECT_NEAR(slope, difference, 1e-3 * std::max(1.0, std::fabs(slope)))
        << parameter.name;
  }
}

TEST(Transformer, GradientsAreDerivatives) {
  checkGradients(/*isTied=*/true);
  checkGradients(/*isTied=*/false);
}

/// Straight through: the gradient of a latent weight is that of a dense model
/// with the weights Q(W) + lambda W, once for Q and lambda times for the rest.
TEST(Transformer, StraightThrough) {
  constexpr double lambda = 0.6;
  Transformer model(makeConfig(true), makeSherry());
  model.initialize(0.3, 7);
  llvm::cantFail(model.prepare(lambda));
  computeLoss(model).backward();

  Transformer dense(makeConfig(true), Projection());
  for (size_t i = 0; i < model.getParameters().size(); ++i) {
    Parameter &from = model.getParameters()[i];
    at::NoGradGuard noGradients;
    Tensor value = from.value.clone();
    if (from.isLinear) {
      int64_t rows = value.size(0), cols = value.size(1);
      Tensor projected = torch::empty_like(value);
      ASSERT_FALSE(project(makeSherry(), value.data_ptr<float>(), rows, cols, 0,
                           projected.data_ptr<float>()));
      value = projected + lambda * value;
    }
    dense.getParameters()[i].value.copy_(value);
  }
  computeLoss(dense).backward();

  for (size_t i = 0; i < model.getParameters().size(); ++i) {
    const Parameter &parameter = model.getParameters()[i];
    double factor = getGradientFactor(parameter, model, lambda);
    EXPECT_EQ(factor, parameter.isLinear ? 1 + lambda : 1);
    EXPECT_TRUE(torch::allclose(parameter.getLeafGradient(),
                                dense.getParameters()[i].getLeafGradient(),
                                1e-4, 1e-6))
        << parameter.name;
  }
}

TEST(Transformer, LambdaOneIsTheSumOfBothPaths) {
  Transformer model(makeConfig(true), makeSherry());
  model.initialize(0.3, 8);
  Parameter &parameter = model.getParameters()[2]; // q of layer 0
  ASSERT_EQ(parameter.name, "model.layers.0.self_attn.q_proj.weight");
  auto take = [&](double lambda) {
    llvm::cantFail(model.prepare(lambda));
    return parameter.leaf.detach()
        .narrow(0, parameter.firstRow, parameter.value.size(0))
        .clone();
  };
  EXPECT_TRUE(torch::equal(take(1), take(0) + parameter.value));
}

TEST(AdamW, AgreesWithLibTorch) {
  Transformer model(makeConfig(true), Projection());
  model.initialize(0.3, 9);
  AdamW optimizer(model, {0.9, 0.95, 1e-8, 0.1, 0.5});
  std::vector<Tensor> copies;
  for (const Parameter &parameter : model.getParameters())
    copies.push_back(parameter.value.clone().set_requires_grad(true));
  std::vector<Tensor> matrices, vectors;
  for (const Tensor &copy : copies)
    (copy.dim() > 1 ? matrices : vectors).push_back(copy);
  torch::optim::AdamWOptions options(1e-2);
  options.betas({0.9, 0.95}).weight_decay(0.1);
  torch::optim::AdamW expected(matrices, options);
  torch::optim::AdamW expectedVectors(vectors, options.weight_decay(0));
  for (int64_t step = 1; step <= 3; ++step) {
    model.clearGradients();
    computeLoss(model).backward();
    for (size_t i = 0; i < copies.size(); ++i)
      copies[i].mutable_grad() =
          model.getParameters()[i].getLeafGradient().clone();
    torch::nn::utils::clip_grad_norm_(copies, 0.5);
    expected.step();
    expectedVectors.step();
    double norm = AdamW::computeGradientNorm(model, 0);
    EXPECT_GT(norm, 0.5);
    optimizer.update(model, 0, norm, 1e-2, step);
    for (size_t i = 0; i < copies.size(); ++i)
      EXPECT_TRUE(torch::allclose(model.getParameters()[i].value, copies[i],
                                  1e-4, 1e-5))
          << model.getParameters()[i].name;
  }
}

TEST(AdamW, ResidualPathScalesTheGradient) {
  Transformer model(makeConfig(true), makeSherry());
  model.initialize(0.3, 10);
  llvm::cantFail(model.prepare(0.5));
  computeLoss(model).backward();
  double linear = 0, other = 0;
  for (const Parameter &parameter : model.getParameters())
    (parameter.isLinear ? linear : other) +=
        parameter.getLeafGradient().square().sum().item<double>();
  EXPECT_NEAR(AdamW::computeGradientNorm(model, 0.5),
              std::sqrt(1.5 * 1.5 * linear + other), 1e-5);
}
