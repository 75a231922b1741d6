//===- Pack.h - Weights to packed bytes and back ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writers and readers of the formats whose geometry is in Layout.h. All take a
// matrix, or rows of it from the start of a tile on (ternary: super-tile), so
// that a large matrix streams through a small buffer. Only the last rows may
// end inside a tile (super-tile).
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_PACK_H
#define SHERRY_FORMAT_PACK_H

#include "sherry/Format/DenseFormat.h"
#include "sherry/Format/Diagnostics.h"
#include "sherry/Format/Layout.h"
#include "sherry/Format/TensorType.h"

#include <algorithm>

namespace sherry::format {

/// [T1] Calls body(first input, distance of inputs, number of inputs) for the
/// groups of a row.
template <typename Fn>
void forGroups(const TernaryLayout &layout, bool strided, int64_t cols,
               Fn body) {
  int64_t inputs = layout.codebook->inputs;
  if (strided) {
    for (int64_t at = 0; at < cols; at += kStridedInputs)
      for (int64_t group = 0; group < kGroupStride; ++group)
        body(at + group, kGroupStride, inputs);
    return;
  }
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t begin = 0; begin < cols; begin += size) {
    int64_t end = std::min(begin + size, cols);
    for (int64_t at = begin; at < end; at += kMaxChunkInputs) {
      int64_t last = std::min(at + kMaxChunkInputs, end);
      for (int64_t i = at; i < last; i += inputs)
        body(i, int64_t{1}, std::min(inputs, last - i));
    }
  }
}

/// Packs codes[rows][layout.rowGroups(cols)] of the codebook and
/// scales[rows][layout.rowScales(cols)], each a value of the scale type (as
/// Quantizer gives them), into layout.bytes(rows, cols) bytes: [T1] to [T7].
void packTernary(const TernaryLayout &layout, int64_t rows, int64_t cols,
                 const uint8_t *codes, const float *scales, uint8_t *bytes);

/// Writes the codes of a row of numbers out of {-1, 0, 1}, in contiguous or
/// strided groups. Returns false if the codebook has no code for a group.
[[nodiscard]] bool encodeRow(const TernaryLayout &layout, bool strided,
                             int64_t cols, const int8_t *trits, uint8_t *codes);
/// The inverse of encodeRow().
void decodeRow(const TernaryLayout &layout, bool strided, int64_t cols,
               const uint8_t *codes, int8_t *trits);

/// Reads rows of a ternary type into codes and scales as packTernary() takes
/// them. Fails on a +2, on a group that the codebook has no code for, and on
/// inputs of a scale group that do not share a scale.
[[nodiscard]] Failure readTernaryRows(const TernaryLayout &layout,
                                      TensorType storage, bool strided,
                                      int64_t firstRow, int64_t rows,
                                      int64_t cols, const uint8_t *stored,
                                      uint8_t *codes, float *scales);

/// The inverse of packTernary(). Ignores padding.
void unpackTernary(const TernaryLayout &layout, int64_t rows, int64_t cols,
                   const uint8_t *bytes, uint8_t *codes, float *scales);

/// Packs weights[rows][cols] into bytesOf(format, rows, cols) bytes of a format
/// of numbers [D1], rounding to nearest, ties to even. Fails on values that the
/// format cannot hold.
[[nodiscard]] Failure packNumbers(DenseFormat format, int64_t firstRow,
                                  int64_t rows, int64_t cols,
                                  const float *weights, uint8_t *bytes);

/// The inverse of packNumbers(), into weights[rows][cols].
void unpackNumbers(DenseFormat format, int64_t rows, int64_t cols,
                   const uint8_t *bytes, float *weights);

/// Packs weights[rows][cols], where cols is a multiple of 4, into
/// format.bytes(rows, cols) bytes: [Q1] to [Q4]. Fails on values whose scale
/// f16 cannot hold.
[[nodiscard]] Failure packBlocks(const QuantFormat &format, int64_t firstRow,
                                 int64_t rows, int64_t cols,
                                 const float *weights, uint8_t *bytes);

/// Whether `format` can hold the integers and scales of this type unchanged.
bool canPackStored(const QuantFormat &format, TensorType storage);

/// A row in the bytes of a file.
struct StoredRow {
  TensorType storage;
  const uint8_t *bytes;
};

/// Packs stored rows without rounding; cols is a multiple of their block size.
/// Fails on scales that are not finite.
[[nodiscard]] Failure packStoredBlocks(const QuantFormat &format,
                                       int64_t firstRow, int64_t rows,
                                       int64_t cols, const StoredRow *stored,
                                       uint8_t *bytes);

/// The inverse of packBlocks(), except for its rounding, into
/// weights[rows][cols].
void unpackBlocks(const QuantFormat &format, int64_t rows, int64_t cols,
                  const uint8_t *bytes, float *weights);

} // namespace sherry::format

#endif // SHERRY_FORMAT_PACK_H
