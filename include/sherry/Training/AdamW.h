//===- AdamW.h - The optimizer ----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the norm of
// all gradients. One pass over each parameter includes the factors of the
// residual path and of clipping.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_ADAMW_H
#define SHERRY_TRAINING_ADAMW_H

#include "sherry/Training/Transformer.h"

namespace sherry::training {

struct AdamWOptions {
  double beta1, beta2, epsilon;
  double weightDecay;     ///< for matrices only
  double maxGradientNorm; ///< 0: no clipping
};

/// Whether the model computes with Q(value) + lambda * value.
inline bool isProjected(const Parameter &parameter, const Transformer &model) {
  return parameter.isLinear &&
         model.getProjection().kind != QuantizerKind::None;
}

/// The straight-through gradient of a latent weight is the gradient of
/// Q(W) + lambda * W times this factor: Q counts as the identity.
inline double getGradientFactor(const Parameter &parameter,
                                const Transformer &model, double lambda) {
  return isProjected(parameter, model) ? 1 + lambda : 1;
}

class AdamW {
public:
  AdamW(const Transformer &model, const AdamWOptions &options);

  /// The norm of the gradients of all latent weights.
  static double computeGradientNorm(const Transformer &model, double lambda);

  /// Updates the weights from their gradients, whose norm is `norm`. `step`
  /// counts from 1.
  void update(Transformer &model, double lambda, double norm,
              double learningRate, int64_t step);

  /// For each parameter of the model: the means of the gradients and of their
  /// squares.
  std::vector<at::Tensor> means, squares;

private:
  AdamWOptions options;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_ADAMW_H
