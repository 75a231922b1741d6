//===- Matrix.h - Weights and their products --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_REFERENCE_MATRIX_H
#define SHERRY_TEST_REFERENCE_MATRIX_H

#include "Checkpoint.h"

/// A matrix [rows][cols]. A weight is its number times the scale of its
/// region, if there are regions: `region` consecutive inputs of a row, the last
/// of a row may be shorter. Integer products are summed over `block` inputs
/// that lie in one region.
struct Matrix {
  int64_t rows, cols;
  Vector numbers;
  int64_t region = 0, block = 0;
  Vector scales = {}; ///< [rows][regions of a row]
  bool isTernary = false;

  int64_t regionsPerRow() const { return (cols + region - 1) / region; }
  float at(int64_t row, int64_t col) const {
    float number = numbers[row * cols + col];
    return region == 0 ? number
                       : number * scales[row * regionsPerRow() + col / region];
  }
};

Matrix readMatrix(const Checkpoint &checkpoint, const std::string &name,
                  int64_t rows, int64_t cols);

float roundToF16(float value);
/// Rounds the numbers to "f32", "f16", "bf16", "q8_0", "q6_K" or "q4_0": [D1],
/// [Q1], [Q4] of docs/BlockFormat.md.
Matrix toDense(Matrix matrix, const std::string &type);

/// The weights of a BitNet linear layer as `quantization`, of config.json, has
/// them, in the formulas of transformers' integrations/bitnet.py.
Matrix readBitNet(const Checkpoint &checkpoint, const std::string &name,
                  int64_t rows, int64_t cols, const json &quantization);
/// Trits times a scale of each `region` inputs from such numbers.
Matrix takeTritsApart(Matrix matrix, int64_t region);

struct TernaryOptions {
  std::string granularity; ///< per_tensor, per_channel or per_group
  int64_t groupSize = 0;
  std::string scaleType = "f16"; ///< or f32
};

/// The Sherry quantizer: of four weights along a row the first of smallest
/// magnitude becomes 0 and the others their sign, 0 counting as positive; the
/// scale is the mean magnitude of the kept weights of its region.
Matrix toTernary(Matrix matrix, const TernaryOptions &options);

/// matrix * x.
Vector multiply(const Matrix &matrix, const Vector &x);

/// Activations in 8 bits, in the blocks of a matrix that they are to meet.
struct Quantized {
  std::vector<int32_t> numbers;
  Vector scales;            ///< of each block
  std::vector<int64_t> end; ///< of each block
  /// Least distance of a number before rounding from a tie of two integers.
  float tieDistance;
};

Quantized quantize(const Vector &x, const Matrix &matrix);
/// The same with one scale for all of x, as ActQuant of transformers'
/// integrations/bitnet.py has it: round(x * 127 / max(max|x|, 1e-5)).
Quantized quantizeToken(const Vector &x, const Matrix &matrix);

/// matrix * x with exact integer sums per block.
Vector multiply(const Matrix &matrix, const Quantized &x);

#endif // SHERRY_TEST_REFERENCE_MATRIX_H
