//===- OperatorsTest.cpp - Operators against LibTorch's own in f64 --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <gtest/gtest.h>

using namespace sherry::training;
using at::Tensor;

/// Computes a scalar from tensors.
using Function = std::function<Tensor(const std::vector<Tensor> &)>;

/// Compares values and gradients of `tested` in f32 with those of `reference`
/// in f64.
static void compare(const std::vector<Tensor> &inputs, const Function &tested,
                    const Function &reference, double tolerance = 1e-5) {
  auto differentiate = [&](const Function &function, at::ScalarType type) {
    std::vector<Tensor> copies;
    for (const Tensor &input : inputs)
      copies.push_back(input.to(type).clone().set_requires_grad(true));
    Tensor value = function(copies);
    value.backward();
    std::vector<Tensor> results = {value.detach().to(torch::kFloat64)};
    for (const Tensor &copy : copies)
      results.push_back(copy.grad().to(torch::kFloat64));
    return results;
  };
  auto got = differentiate(tested, torch::kFloat32);
  auto expected = differentiate(reference, torch::kFloat64);
  for (size_t i = 0; i < got.size(); ++i) {
    double size = expected[i].abs().max().item<double>();
    double error = (got[i] - expected[i]).abs().max().item<double>();
    EXPECT_LE(error, tolerance * size) << "result " << i;
  }
}

/// A scalar that every element has another influence on.
static Tensor weigh(const Tensor &x) {
  Tensor index = torch::arange(x.numel(), torch::kFloat64).reshape(x.sizes());
  return (x * torch::cos(index).to(x.scalar_type())).sum();
}

static Tensor makeRandom(at::IntArrayRef sizes) { return torch::randn(sizes); }

TEST(Operators, RmsNorm) {
  torch::manual_seed(1);
  for (int64_t cols : {4, 50, 256})
    compare(
        {makeRandom({131, cols}), makeRandom({cols})},
        [](const auto &in) { return weigh(rmsNorm(in[0], in[1], 1e-3)); },
        [](const auto &in) {
          Tensor square = in[0].square().mean(1, true);
          return weigh(in[0] * torch::rsqrt(square + 1e-3) * in[1]);
        });
}

TEST(Operators, SwiGlu) {
  torch::manual_seed(2);
  compare(
      {makeRandom({33, 2 * 77}) * 5},
      [](const auto &in) { return weigh(swiglu(in[0])); },
      [](const auto &in) {
        return weigh(torch::silu(in[0].narrow(1, 0, 77)) *
                     in[0].narrow(1, 77, 77));
      });
}

TEST(Operators, SwiGluOfLargeNumbers) {
  Tensor x = torch::tensor({{-200.0f, 200.0f, 3.0f, 4.0f}});
  Tensor y = swiglu(x);
  EXPECT_NEAR(y[0][0].item<float>(), 0, 1e-30);
  EXPECT_EQ(y[0][1].item<float>(), 800);
}

static Tensor rotate(const Tensor &x, const Tensor &cosines,
                     const Tensor &sines) {
  int64_t half = x.size(-1) / 2;
  Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  Tensor c = cosines.to(x.scalar_type()), s = sines.to(x.scalar_type());
  return torch::cat({a * c - b * s, b * c + a * s}, -1);
}

/// Attention as text books have it, with all scores at once.
static Tensor attendPlainly(const Tensor &qkv, const Tensor &cosines,
                            const Tensor &sines, const AttentionShape &shape) {
  int64_t length = qkv.size(0) / shape.sequences;
  auto take = [&](int64_t firstHead, int64_t count) {
    return qkv.narrow(1, firstHead * shape.headDim, count * shape.headDim)
        .reshape({shape.sequences, length, count, shape.headDim})
        .transpose(1, 2);
  };
  int64_t group = shape.heads / shape.keyValueHeads;
  Tensor q = rotate(take(0, shape.heads), cosines, sines);
  Tensor k = rotate(take(shape.heads, shape.keyValueHeads), cosines, sines);
  Tensor v = take(shape.heads + shape.keyValueHeads, shape.keyValueHeads);
  k = k.repeat_interleave(group, 1);
  v = v.repeat_interleave(group, 1);
  Tensor scores = q.matmul(k.transpose(2, 3)) / std::sqrt(shape.headDim);
  Tensor mask = torch::ones({length, length}, torch::kBool).triu(1);
  scores = scores.masked_fill(mask, -std::numeric_limits<double>::infinity());
  return torch::softmax(scores, -1)
      .matmul(v)
      .transpose(1, 2)
      .reshape({qkv.size(0), shape.heads * shape.headDim});
}

TEST(Operators, Attention) {
  torch::manual_seed(3);
  for (int64_t length : {1, 5, 64, 130})
    for (int64_t keyValueHeads : {1, 2, 4}) {
      AttentionShape shape{3, 4, keyValueHeads, 6};
      Tensor angles = torch::rand({length, 3}) * 6;
      Tensor cosines = angles.cos(), sines = angles.sin();
      compare(
          {makeRandom({3 * length, (4 + 2 * keyValueHeads) * 6}) * 2},
          [&](const auto &in) {
            return weigh(attention(in[0], cosines, sines, shape));
          },
          [&](const auto &in) {
            return weigh(attendPlainly(in[0], cosines, sines, shape));
          },
          2e-5);
    }
}

TEST(Operators, HeadLoss) {
  torch::manual_seed(4);
  Tensor targets = torch::randint(0, 300, {40}, torch::kInt64);
  compare(
      {makeRandom({40, 16}), makeRandom({300, 16})},
      [&](const auto &in) {
        return 3 * headLoss(in[0], in[1], targets, std::nullopt);
      },
      [&](const auto &in) {
        return 3 * torch::nll_loss(torch::log_softmax(in[0].mm(in[1].t()), 1),
                                   targets);
      });
}

TEST(Operators, HeadLossInChunks) {
  torch::manual_seed(5);
  // More logits than are in memory at once.
  int64_t vocabulary = (1 << 21) + 5;
  Tensor targets = torch::randint(0, vocabulary, {5}, torch::kInt64);
  compare(
      {makeRandom({5, 4}), makeRandom({vocabulary, 4})},
      [&](const auto &in) {
        return headLoss(in[0], in[1], targets, std::nullopt);
      },
      [&](const auto &in) {
        return torch::nll_loss(torch::log_softmax(in[0].mm(in[1].t()), 1),
                               targets);
      });
}

TEST(Operators, Distillation) {
  torch::manual_seed(6);
  Tensor targets = torch::randint(0, 50, {20}, torch::kInt64);
  Teacher teacher{makeRandom({20, 12}), makeRandom({50, 12}), 0.3, 2.5};
  compare(
      {makeRandom({20, 8}), makeRandom({50, 8})},
      [&](const auto &in) { return headLoss(in[0], in[1], targets, teacher); },
      [&](const auto &in) {
        Tensor logits = in[0].mm(in[1].t());
        Tensor wanted = torch::log_softmax(
            teacher.hidden.mm(teacher.head.t()).to(torch::kFloat64) / 2.5, 1);
        Tensor got = torch::log_softmax(logits / 2.5, 1);
        Tensor divergence = (wanted.exp() * (wanted - got)).sum(1).mean();
        return 0.7 * torch::nll_loss(torch::log_softmax(logits, 1), targets) +
               0.3 * 2.5 * 2.5 * divergence;
      });
}

TEST(Operators, DoNotDependOnThreads) {
  torch::manual_seed(7);
  Tensor x = makeRandom({640, 64}), weight = makeRandom({64});
  Tensor qkv = makeRandom({640, 8 * 8}), angles = torch::rand({160, 4});
  Tensor targets = torch::randint(0, 64, {640}, torch::kInt64);
  auto compute = [&](int threads) {
    at::set_num_threads(threads);
    std::vector<Tensor> leaves = {x.clone().set_requires_grad(true),
                                  weight.clone().set_requires_grad(true),
                                  qkv.clone().set_requires_grad(true)};
    Tensor y = rmsNorm(leaves[0], leaves[1], 1e-5);
    Tensor z = attention(leaves[2], angles.cos(), angles.sin(), {4, 4, 2, 8});
    (weigh(y) + weigh(z) + weigh(swiglu(y))).backward();
    std::vector<Tensor> results = {y, z};
    for (const Tensor &leaf : leaves)
      results.push_back(leaf.grad());
    return results;
  };
  int before = at::get_num_threads();
  auto one = compute(1), three = compute(3);
  at::set_num_threads(before);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
}
