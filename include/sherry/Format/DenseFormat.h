//===- DenseFormat.h - How plain matrices are packed ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_DENSEFORMAT_H
#define SHERRY_FORMAT_DENSEFORMAT_H

#include "sherry/Format/Layout.h"

namespace sherry::format {

/// The format of a plain (not ternary) matrix: numbers [D1] or blocks [Q3].
enum class DenseFormat { BF16, F16, F32, Q8_0, Q6_K, Q4_0 };

/// The blocks of a format; null for formats of numbers.
constexpr const QuantFormat *blocksOf(DenseFormat format) {
  switch (format) {
  case DenseFormat::Q8_0:
    return &kQ8_0;
  case DenseFormat::Q6_K:
    return &kQ6_K;
  case DenseFormat::Q4_0:
    return &kQ4_0;
  default:
    return nullptr;
  }
}

constexpr const char *nameOf(DenseFormat format) {
  if (const QuantFormat *blocks = blocksOf(format))
    return blocks->name;
  return format == DenseFormat::F32   ? "f32"
         : format == DenseFormat::F16 ? "f16"
                                      : "bf16";
}

/// Bytes of a number of a format of numbers.
constexpr int64_t numberSize(DenseFormat format) {
  return format == DenseFormat::F32 ? 4 : 2;
}

/// Bytes of a matrix.
constexpr int64_t bytesOf(DenseFormat format, int64_t rows, int64_t cols) {
  const QuantFormat *blocks = blocksOf(format);
  // All formats of numbers have the order of bf16.
  return blocks ? blocks->bytes(rows, cols)
                : bf16Bytes(rows, cols) / 2 * numberSize(format);
}

} // namespace sherry::format

#endif // SHERRY_FORMAT_DENSEFORMAT_H
