//===- RowProjector.cpp - Rows of a matrix as trits -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/RowProjector.h"
#include "sherry/Format/Pack.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include <algorithm>
#include <vector>

using namespace sherry;
using llvm::Error;

Error sherry::makeError(const std::string &where,
                        const format::Failure &failure) {
  if (!failure)
    return Error::success();
  std::string message = where + ": " + *failure;
  switch (failure.getKind()) {
  case format::FailureKind::Damaged:
    return makeError(message);
  case format::FailureKind::ScaleRange:
    return makeError(Problem::ScaleRange, message);
  case format::FailureKind::BlockRange:
    return makeError(Problem::BlockRange, message);
  }
  llvm_unreachable("unknown kind of failure");
}

Error RowProjector::prepare(int64_t rows, ReadRows read) {
  if (!quantizer.needsFirstPass())
    return Error::success();
  std::vector<float> weights(format::kTileRows * cols);
  for (int64_t row = 0; row < rows; row += format::kTileRows) {
    int64_t count = std::min(format::kTileRows, rows - row);
    if (Error error = read(row, count, weights.data()))
      return error;
    if (Error error = makeError(
            where, quantizer.accumulateRows(row, count, weights.data())))
      return error;
  }
  return Error::success();
}

Error RowProjector::project(int64_t row, int64_t rows, const float *weights,
                            uint8_t *codes, float *scales) const {
  return makeError(where,
                   quantizer.quantizeRows(row, rows, weights, codes, scales));
}

Error RowProjector::roundRow(int64_t row, float *weights) const {
  const format::TernaryLayout &layout = quantizer.getLayout();
  std::vector<uint8_t> codes(layout.rowGroups(cols));
  std::vector<float> scales(scaleGroups());
  if (Error error = project(row, 1, weights, codes.data(), scales.data()))
    return error;
  std::vector<int8_t> trits(cols);
  format::decodeRow(layout, /*strided=*/false, cols, codes.data(),
                    trits.data());
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t i = 0; i < cols; ++i)
    weights[i] = static_cast<float>(trits[i]) * scales[i / size];
  return Error::success();
}
