//===- Diagnostics.h - State of the latent weights --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The measurements of the paper (arXiv 2601.07892): whether gradients are
// diverse, and whether weights are trapped.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_DIAGNOSTICS_H
#define SHERRY_TRAINING_DIAGNOSTICS_H

#include "sherry/Training/Transformer.h"

#include <nlohmann/json.hpp>

namespace sherry::training {

/// exp(entropy) of the singular values of a matrix divided by their sum (Roy
/// and Vetterli, 2007): from 1 to the smaller size; 0 for a zero matrix.
double computeEffectiveRank(const at::Tensor &matrix);

/// The step in which each weight last got another trit.
class TrappedWeights {
public:
  explicit TrappedWeights(const Transformer &model);

  /// Records the trits of the model in a step. In the first call all weights
  /// count as changed.
  void observe(const Transformer &model, int64_t step);

  /// The share of the weights of linear parameter `index` whose trits have been
  /// the same for at least `steps` steps.
  double getShare(size_t index, int64_t step, int64_t steps) const;

  /// By the index of the parameter; undefined for parameters without trits.
  /// `trits`: the last trits, i8; `changed`: the step of the last change, f32.
  std::vector<at::Tensor> trits, changed;
};

/// The number of weights in each of `bins` bins of width `binWidth`, with 0 in
/// the middle. The first and the last bin also count weights beyond.
std::vector<int64_t> countBins(const at::Tensor &weights, int64_t bins,
                               double binWidth);

/// For each linear layer: effective ranks of the latent weights and of their
/// gradients, the share of trapped weights if there are trits, and a histogram
/// of the latent weights over 8 root mean squares.
nlohmann::ordered_json describeLayers(const Transformer &model,
                                      const TrappedWeights &trapped,
                                      int64_t step, int64_t trappedSteps,
                                      int64_t bins);

} // namespace sherry::training

#endif // SHERRY_TRAINING_DIAGNOSTICS_H
