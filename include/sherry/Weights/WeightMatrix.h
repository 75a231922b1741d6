//===- WeightMatrix.h - A matrix of a weight and its slices -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTMATRIX_H
#define SHERRY_WEIGHTS_WEIGHTMATRIX_H

#include "sherry/Weights/WeightSource.h"

namespace sherry {

/// Rows of a tensor of the checkpoint (for a vector: numbers) that are a part
/// of a weight.
struct WeightSlice {
  std::string tensor;
  int64_t rows;  ///< number of rows
  int64_t first; ///< index of the first row in the tensor
  int64_t total; ///< rows of the tensor
};

/// One weight of one layer: slices, one below the other. A vector has one slice
/// and counts as one row.
class WeightMatrix {
public:
  static WeightMatrix makeVector(WeightSlice slice);
  WeightMatrix(std::vector<WeightSlice> slices, int64_t cols);

  bool isVector() const { return vector; }
  int64_t getRows() const { return rows; }
  int64_t getCols() const { return cols; }
  llvm::ArrayRef<WeightSlice> getSlices() const { return slices; }
  /// Names the tensors, for messages.
  std::string describe() const;

  /// Checks that the source has all slices.
  llvm::Error check(WeightSource &source) const;

  /// Reads rows [row, row + count) as f32[count][cols]; fails on NaN and
  /// infinity.
  llvm::Error read(const WeightSource &source, int64_t row, int64_t count,
                   float *out) const;

  /// The same matrix with all rows of its tensors.
  WeightMatrix whole() const;

  /// Calls `use` for each slice that has some of the rows [row, row + count),
  /// with the index of the first of these rows in the tensor, the number of
  /// rows, and the number of the `count` rows before them.
  llvm::Error forSlices(
      int64_t row, int64_t count,
      llvm::function_ref<llvm::Error(const WeightSlice &slice, int64_t first,
                                     int64_t rows, int64_t before)>
          use) const;
  llvm::Error readSlice(const WeightSource &source, const WeightSlice &slice,
                        int64_t row, int64_t count, float *out) const;
  /// The bytes of rows of a slice in the checkpoint.
  std::vector<uint8_t> copySlice(const WeightSource &source,
                                 const WeightSlice &slice, int64_t row,
                                 int64_t count) const;

private:
  llvm::Error readVector(const WeightSource &source, float *out) const;
  llvm::SmallVector<int64_t, 2> shapeOf(const WeightSlice &slice) const;

  std::vector<WeightSlice> slices;
  int64_t rows = 0, cols;
  bool vector = false;
};

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTMATRIX_H
