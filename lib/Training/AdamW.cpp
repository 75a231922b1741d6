//===- AdamW.cpp - The optimizer ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/AdamW.h"
#include "Parallel.h"
#include "VectorMath.h"

#include <ATen/ATen.h>

#include <cmath>

using namespace sherry::training;

/// The number of elements that are summed or updated together.
static constexpr int64_t kChunk = 1 << 14;

SHERRY_FOR_EACH_ISA
static float sumSquares(const float *x, int64_t count) {
  return vectorSum(count, [&](int64_t i) { return x[i] * x[i]; });
}

namespace {
struct Factors {
  float gradient, beta1, beta2, inverseCorrection2, epsilon, rate, decay;
};
} // namespace

SHERRY_FOR_EACH_ISA
static void updateChunk(float *weights, const float *gradients, float *means,
                        float *squares, int64_t count, const Factors &f) {
  const Factors c = f;
  for (int64_t i = 0; i < count; ++i) {
    float g = gradients[i] * c.gradient;
    float m = c.beta1 * means[i] + (1 - c.beta1) * g;
    float v = c.beta2 * squares[i] + (1 - c.beta2) * g * g;
    means[i] = m;
    squares[i] = v;
    float root = std::sqrt(v * c.inverseCorrection2) + c.epsilon;
    weights[i] = weights[i] * c.decay - c.rate * m / root;
  }
}

AdamW::AdamW(const Transformer &model, const AdamWOptions &options)
    : options(options) {
  for (const Parameter &parameter : model.getParameters()) {
    means.push_back(at::zeros(parameter.value.sizes()));
    squares.push_back(at::zeros(parameter.value.sizes()));
  }
}

double AdamW::computeGradientNorm(const Transformer &model, double lambda) {
  double total = 0;
  for (const Parameter &parameter : model.getParameters()) {
    at::Tensor gradient = parameter.getLeafGradient().contiguous();
    const float *from = gradient.data_ptr<float>();
    int64_t count = gradient.numel(), chunks = (count + kChunk - 1) / kChunk;
    std::vector<double> sums(chunks);
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        sums[i] =
            sumSquares(from + i * kChunk, std::min(kChunk, count - i * kChunk));
    });
    double sum = 0, factor = getGradientFactor(parameter, model, lambda);
    for (double part : sums)
      sum += part;
    total += sum * factor * factor;
  }
  return std::sqrt(total);
}

void AdamW::update(Transformer &model, double lambda, double norm,
                   double learningRate, int64_t step) {
  bool clips = options.maxGradientNorm > 0 && norm > options.maxGradientNorm;
  double clip = clips ? options.maxGradientNorm / norm : 1;
  auto age = static_cast<double>(step);
  double correction1 = 1 - std::pow(options.beta1, age);
  double correction2 = 1 - std::pow(options.beta2, age);
  std::vector<Parameter> &parameters = model.getParameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    Parameter &parameter = parameters[i];
    at::Tensor gradient = parameter.getLeafGradient().contiguous();
    double factor = getGradientFactor(parameter, model, lambda) * clip;
    double decay =
        parameter.value.dim() > 1 ? 1 - learningRate * options.weightDecay : 1;
    Factors factors{static_cast<float>(factor),
                    static_cast<float>(options.beta1),
                    static_cast<float>(options.beta2),
                    static_cast<float>(1 / correction2),
                    static_cast<float>(options.epsilon),
                    static_cast<float>(learningRate / correction1),
                    static_cast<float>(decay)};
    auto *weights = parameter.value.data_ptr<float>();
    auto *m = means[i].data_ptr<float>(), *v = squares[i].data_ptr<float>();
    const float *from = gradient.data_ptr<float>();
    at::parallel_for(0, gradient.numel(), kChunk,
                     [&](int64_t begin, int64_t end) {
                       updateChunk(weights + begin, from + begin, m + begin,
                                   v + begin, end - begin, factors);
                     });
  }
}
