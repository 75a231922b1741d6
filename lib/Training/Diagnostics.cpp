//===- Diagnostics.cpp - Ranks and changes of weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Diagnostics.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>

using namespace sherry::training;

static constexpr int64_t kGrain = 1 << 14;

double sherry::training::computeEffectiveRank(const at::Tensor &matrix) {
  at::NoGradGuard noGradients;
  at::Tensor values =
      torch::linalg_svdvals(matrix.contiguous()).to(torch::kFloat64);
  double sum = values.sum().item<double>();
  if (sum == 0)
    return 0;
  at::Tensor shares = values / sum;
  // xlogy(0, 0) is 0, as in the definition of entropy.
  return std::exp(-torch::xlogy(shares, shares).sum().item<double>());
}

TrappedWeights::TrappedWeights(const Transformer &model) {
  bool hasTrits = model.getProjection().kind != QuantizerKind::None;
  for (const Parameter &parameter : model.getParameters()) {
    bool isTernary = parameter.isLinear && hasTrits;
    auto sizes = parameter.value.sizes();
    // 2 is not a trit, so the first observation finds a change everywhere.
    trits.push_back(isTernary ? torch::full(sizes, 2, torch::kInt8)
                              : at::Tensor());
    changed.push_back(isTernary ? torch::zeros(sizes) : at::Tensor());
  }
}

void TrappedWeights::observe(const Transformer &model, int64_t step) {
  const std::vector<Parameter> &parameters = model.getParameters();
  auto now = static_cast<float>(step);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!trits[i].defined())
      continue;
    auto *last = trits[i].data_ptr<int8_t>();
    auto *when = changed[i].data_ptr<float>();
    const int8_t *current = parameters[i].trits.data_ptr<int8_t>();
    at::parallel_for(0, trits[i].numel(), kGrain,
                     [&](int64_t begin, int64_t end) {
                       for (int64_t j = begin; j < end; ++j) {
                         when[j] = current[j] == last[j] ? when[j] : now;
                         last[j] = current[j];
                       }
                     });
  }
}

double TrappedWeights::getShare(size_t index, int64_t step,
                                int64_t steps) const {
  auto limit = static_cast<double>(step - steps);
  at::Tensor isTrapped = changed[index].le(limit);
  return isTrapped.to(torch::kFloat64).mean().item<double>();
}

std::vector<int64_t> sherry::training::countBins(const at::Tensor &weights,
                                                 int64_t bins,
                                                 double binWidth) {
  std::vector<int64_t> counts(bins);
  const float *from = weights.data_ptr<float>();
  double middle = static_cast<double>(bins) / 2, last = bins - 1;
  for (int64_t i = 0; i < weights.numel(); ++i) {
    double place = std::floor(from[i] / binWidth + middle);
    ++counts[static_cast<int64_t>(std::clamp(place, 0.0, last))];
  }
  return counts;
}

nlohmann::ordered_json
sherry::training::describeLayers(const Transformer &model,
                                 const TrappedWeights &trapped, int64_t step,
                                 int64_t trappedSteps, int64_t bins) {
  auto layers = nlohmann::ordered_json::object();
  const std::vector<Parameter> &parameters = model.getParameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter &parameter = parameters[i];
    if (!parameter.isLinear)
      continue;
    llvm::StringRef name(parameter.name);
    name.consume_back(".weight");
    nlohmann::ordered_json layer;
    layer["effective_rank_weight"] = computeEffectiveRank(parameter.value);
    layer["effective_rank_gradient"] =
        computeEffectiveRank(parameter.getLeafGradient());
    if (trapped.trits[i].defined())
      layer["trapped"] = trapped.getShare(i, step, trappedSteps);
    double meanSquare = parameter.value.square().mean().item<double>();
    double binWidth =
        meanSquare > 0 ? 8 * std::sqrt(meanSquare) / static_cast<double>(bins)
                       : 1;
    layer["histogram"] = countBins(parameter.value, bins, binWidth);
    layer["bin_width"] = binWidth;
    layers[name.str()] = std::move(layer);
  }
  return layers;
}
