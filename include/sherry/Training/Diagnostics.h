//===- Diagnostics.h - How the latent weights are ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the paper looks at (arXiv 2601.07892): whether gradients are diverse,
// and whether weights are trapped.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_DIAGNOSTICS_H
#define SHERRY_TRAINING_DIAGNOSTICS_H

#include "sherry/Training/Transformer.h"

#include <nlohmann/json.hpp>

namespace sherry::training {

/// exp(entropy) of the singular values of a matrix divided by their sum (Roy
/// and Vetterli, 2007): from 1 to the smaller of the sizes; 0 of a zero matrix.
double computeEffectiveRank(const at::Tensor &matrix);

/// When each weight last got another trit, that is another sign or zero.
class TrappedWeights {
public:
  explicit TrappedWeights(const Transformer &model);

  /// Looks at the trits of the model in a step. At its first call all weights
  /// count as changed.
  void observe(const Transformer &model, int64_t step);

  /// The share of the weights of linear parameter `index` whose trits have been
  /// the same for at least `steps` steps.
  double getShare(size_t index, int64_t step, int64_t steps) const;

  /// By the number of the parameter; undefined for what has no trits. `trits`
  /// as seen last, i8; `changed`: the step of the last change, f32.
  std::vector<at::Tensor> trits, changed;
};

/// The number of weights in each bin of `binWidth`, around 0 in the middle of
/// the bins; what is beyond is in the first and the last.
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
