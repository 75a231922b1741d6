//===- MatrixProducts.h - The matrix products of a step ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H
#define SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H

#include "sherry/Training/Transformer.h"

namespace sherry::training {

/// What a batch multiplies with the matrices of models, as LibTorch's own
/// products of random numbers of the same shapes, each result in new memory.
class MatrixProducts {
public:
  /// Adds a model and a batch of `sequences` sequences of `length` tokens: for
  /// Y = X W^T that product and, if it `learns`, those of the gradients of X
  /// and W.
  void add(const Transformer &model, int64_t sequences, int64_t length,
           bool learns);

  /// Of the products that compute() does; a multiplication and its addition are
  /// two.
  double getFlops() const { return flops; }
  /// Of those of attention, which are not among them: of the scores that are
  /// not masked, and of nothing that is computed twice.
  double getAttentionFlops() const { return attentionFlops; }
  void compute() const;

private:
  struct Product {
    at::Tensor x, weight, dy; ///< dy is undefined: nothing is learned
  };
  std::vector<Product> products;
  double flops = 0, attentionFlops = 0;
};

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H
