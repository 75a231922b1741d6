//===- Diagnostics.cpp - Weights that a format cannot hold ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Diagnostics.h"
#include "sherry/Format/Float16.h"

#include <algorithm>

using namespace sherry::format;

static bool isFinite(float value) {
  return (floatBits(value) & 0x7f800000) != 0x7f800000;
}

Failure sherry::format::checkFinite(const float *weights, int64_t firstRow,
                                    int64_t rows, int64_t cols) {
  for (int64_t row = 0; row < rows; ++row, weights += cols) {
    // Counting, without an early exit, lets the compiler vectorise.
    uint32_t bad = 0;
    for (int64_t col = 0; col < cols; ++col)
      bad |= !isFinite(weights[col]);
    if (!bad)
      continue;
    const float *first = std::find_if_not(weights, weights + cols, isFinite);
    return "row " + std::to_string(firstRow + row) + ", column " +
           std::to_string(first - weights) + " is " +
           (*first != *first ? "NaN" : "infinite") +
           "; the checkpoint is damaged, export it again";
  }
  return {};
}
