//===- Transformer.h - A LLaMA that learns ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLaMA as in Hugging Face transformers, in f32, with latent weights that a
// quantizer projects.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_TRANSFORMER_H
#define SHERRY_TRAINING_TRANSFORMER_H

#include "sherry/Import/Checkpoint.h"
#include "sherry/Training/Projection.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace sherry::training {

/// A parameter of the model, named as in Hugging Face folders.
struct Parameter {
  std::string name;
  at::Tensor value; ///< latent, f32
  /// The tensor that the model computes with, and that has a gradient. Matrices
  /// of the same input share one leaf; this parameter has the rows from
  /// `firstRow` on.
  at::Tensor leaf;
  int64_t firstRow = 0;
  bool isLinear = false; ///< weight of a linear layer, which is projected
  at::Tensor trits;      ///< signs of Q(value), i8, if they are kept

  /// The gradient with respect to Q(value) + lambda * value; undefined before
  /// the first backward pass.
  at::Tensor getLeafGradient() const;
};

class Transformer {
public:
  /// The weights are undefined until they are initialized or loaded.
  Transformer(const ModelConfig &config, const Projection &projection);

  /// Sets weights to normal numbers of this standard deviation, norms to 1.
  void initialize(double deviation, uint64_t seed);
  llvm::Error load(Checkpoint &checkpoint);

  /// Computes Q(W) + lambda * W for the quantized layers; later calls use the
  /// result. Without a quantizer lambda is ignored, and W is used. Call this
  /// after every change of weights.
  llvm::Error prepare(double lambda, bool keepsTrits = false);
  void setProjection(const Projection &value) { projection = value; }

  /// The normalised hidden states, inputs of the head: tokens[B][T] of int64 to
  /// [B * T][hidden].
  at::Tensor computeHidden(const at::Tensor &tokens);
  /// The head, [V][hidden].
  const at::Tensor &getHead() const { return head; }

  const ModelConfig &getConfig() const { return config; }
  const Projection &getProjection() const { return projection; }
  std::vector<Parameter> &getParameters() { return parameters; }
  const std::vector<Parameter> &getParameters() const { return parameters; }
  void clearGradients();
  /// Bits per weight of the linear layers, without the head.
  double getBitsPerWeight(double denseBits) const;

private:
  struct Block {
    at::Tensor attentionNorm, qkv, output, ffnNorm, gateUp, down;
  };

  at::Tensor addParameter(const std::string &name,
                          llvm::ArrayRef<int64_t> shape);
  at::Tensor addLinear(const std::string &prefix,
                       llvm::ArrayRef<LinearLayer> layers);
  void makeRopeTables(int64_t length);

  ModelConfig config;
  Projection projection;
  std::vector<Parameter> parameters;
  std::vector<Block> blocks;
  at::Tensor embedding, norm, head;
  at::Tensor cosines, sines; ///< [positions][headDim / 2]
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_TRANSFORMER_H
