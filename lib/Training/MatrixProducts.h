//===- MatrixProducts.h - The matrix products of a step ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H
#define SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H

#include "sherry/Training/Transformer.h"

namespace sherry::training {

/// The matrix products of a batch, as LibTorch's own products of random
/// matrices of the same shapes, each with its result in new memory.
class MatrixProducts {
public:
  /// Adds a model and a batch of `sequences` sequences of `length` tokens: the
  /// product Y = X W^T of each matrix W and, if it `learns`, the products of
  /// the gradients of X and W.
  void add(const Transformer &model, int64_t sequences, int64_t length,
           bool learns);

  /// The operations of compute(); a multiplication and its addition count as
  /// two.
  double getFlops() const { return flops; }
  /// The operations of attention, which compute() does not do: only of unmasked
  /// scores, and without those that are computed twice.
  double getAttentionFlops() const { return attentionFlops; }
  void compute() const;

private:
  struct Product {
    at::Tensor x, weight, dy; ///< dy undefined: no gradients
  };
  std::vector<Product> products;
  double flops = 0, attentionFlops = 0;
};

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_MATRIXPRODUCTS_H
