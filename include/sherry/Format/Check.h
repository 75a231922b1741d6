//===- Check.h - Weights that a format cannot hold --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the quantizer and the packers report weights that have no image in the
// packed format.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_CHECK_H
#define SHERRY_FORMAT_CHECK_H

#include <cstdint>
#include <optional>
#include <string>

namespace sherry::format {

/// What is wrong, where in the matrix, and the remedy; nothing on success. The
/// caller knows the file and the tensor and puts them in front.
using Failure = std::optional<std::string>;

/// Fails if weights[rows][cols] has a NaN or an infinity; names the first.
/// weights[0][0] belongs to row `firstRow` of the matrix.
[[nodiscard]] Failure checkFinite(const float *weights, int64_t firstRow,
                                  int64_t rows, int64_t cols);

} // namespace sherry::format

#endif // SHERRY_FORMAT_CHECK_H
