//===- MatrixProducts.cpp - The matrix products of a step -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MatrixProducts.h"

#include <torch/torch.h>

using namespace llvm;
using namespace sherry::training;

void MatrixProducts::add(const Transformer &model, int64_t sequences,
                         int64_t length, bool learns) {
  int64_t tokens = sequences * length;
  // Scores and sums of values each have two gradients.
  const ModelConfig &config = model.getConfig();
  attentionFlops += (learns ? 12.0 : 4.0) *
                    static_cast<double>(config.numLayers * config.numHeads) *
                    static_cast<double>(config.headDim * sequences) *
                    static_cast<double>(length * (length + 1) / 2);
  std::vector<at::Tensor> matrices;
  for (const Parameter &parameter : model.getParameters())
    // Matrices of the same input are one tensor.
    if (parameter.isLinear && parameter.firstRow == 0)
      matrices.push_back(parameter.leaf.detach());
  matrices.push_back(model.getHead().detach());
  for (const at::Tensor &weight : matrices) {
    products.push_back(
        {torch::randn({tokens, weight.size(1)}), weight,
         learns ? torch::randn({tokens, weight.size(0)}) : at::Tensor()});
    flops += (learns ? 6.0 : 2.0) * static_cast<double>(tokens) *
             static_cast<double>(weight.numel());
  }
}

void MatrixProducts::compute() const {
  at::NoGradGuard noGradients;
  for (const Product &product : products)
    product.x.mm(product.weight.t());
  for (const Product &product : reverse(products)) {
    if (!product.dy.defined())
      continue;
    product.dy.mm(product.weight);
    product.dy.t().mm(product.x);
  }
}
