//===- RowProjector.h - Rows of a matrix as trits ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_ROWPROJECTOR_H
#define SHERRY_WEIGHTS_ROWPROJECTOR_H

#include "sherry/Format/Quantizer.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sherry {

/// Makes an error of a failure of the matrix `where`; success if `failure` is
/// false.
llvm::Error makeError(const std::string &where, const format::Failure &failure);

/// Projects the rows of one matrix onto trits and scales, as training does.
/// Several threads may use it after prepare().
class RowProjector {
public:
  /// Reads rows [row, row + count) as f32[count][cols].
  using ReadRows =
      llvm::function_ref<llvm::Error(int64_t row, int64_t count, float *out)>;

  /// `where` names the matrix in messages.
  RowProjector(const format::TernaryLayout &layout, int64_t cols,
               std::string where)
      : quantizer(layout, cols), cols(cols), where(std::move(where)) {}

  int64_t scaleGroups() const { return quantizer.scaleGroups(); }

  /// Reads the whole matrix if it shares one scale.
  llvm::Error prepare(int64_t rows, ReadRows read);

  /// Projects weights[rows][cols], which begin at row `row` of the matrix, into
  /// codes[rows][layout.rowGroups(cols)] and scales[rows][scaleGroups()].
  llvm::Error project(int64_t row, int64_t rows, const float *weights,
                      uint8_t *codes, float *scales) const;

  /// Replaces the weights of a row by their trits times their scales.
  llvm::Error roundRow(int64_t row, float *weights) const;

private:
  format::Quantizer quantizer;
  int64_t cols;
  std::string where;
};

} // namespace sherry

#endif // SHERRY_WEIGHTS_ROWPROJECTOR_H
