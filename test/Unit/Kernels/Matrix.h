//===- Matrix.h - Weights, activations and their scalar product -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands of the kernels under test, and what their products should be: loops
// over the values themselves, that know neither codes nor packed bytes.
//
//===----------------------------------------------------------------------===//
#ifndef TEST_UNIT_KERNELS_MATRIX_H
#define TEST_UNIT_KERNELS_MATRIX_H

#include "Shape.h"

#include "llvm/ADT/ArrayRef.h"

#include <random>

namespace sherry {

enum class Operands {
  /// Such that quantization changes nothing and no f32 sum is rounded.
  Exact,
  Arbitrary
};

/// A weight is value * scale. Row 0 has the largest values of all, row 1 the
/// smallest.
struct Weights {
  Weights(const Shape &shape, Operands operands, std::mt19937 &random);

  /// Writes the packed bytes of docs/BlockFormat.md.
  void pack(uint8_t *bytes) const;

  Shape shape;
  std::vector<float> values; ///< [rows][cols]; trits, -127..127, or numbers
  std::vector<float> scales; ///< [rows][scale groups]
};

/// Row t of activations[tokens][cols]; row 0 has the largest values of all.
std::vector<float> makeActivations(const Shape &shape, Operands operands,
                                   int64_t tokens, std::mt19937 &random);

/// One row of outputs, for exact operands: the sum in integers.
std::vector<float> exactProduct(const Weights &weights,
                                llvm::ArrayRef<float> activations);

/// One row of outputs with 8-bit activations, rounded like sherry.linear and
/// sherry.quantize_activations say; with `hasFma`, a product and its addition
/// are rounded once.
std::vector<float> quantizedProduct(const Weights &weights,
                                    llvm::ArrayRef<float> activations,
                                    bool hasFma);

/// One row of outputs in f64, and the sums of the magnitudes of the products,
/// to which the error of an f32 sum is proportional.
struct RealProduct {
  std::vector<double> sums, magnitudes;
};
RealProduct realProduct(const Weights &weights,
                        llvm::ArrayRef<float> activations);

} // namespace sherry

#endif // TEST_UNIT_KERNELS_MATRIX_H
