//===- TensorEncoder.h - Rows of a tensor in another type -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_EXPORT_TENSORENCODER_H
#define SHERRY_LIB_EXPORT_TENSORENCODER_H

#include "sherry/Export/ExportModel.h"
#include "sherry/Weights/RowProjector.h"

namespace sherry {

/// How features change places, within each 64: those of a group of neighbours
/// go 16 apart, or the other way round.
enum class Reordering { None, ToStrided, ToContiguous };

/// What becomes of a tensor.
struct Encoding {
  format::TensorType storage;
  /// Trits times a scale per region as numbers of `storage`.
  std::optional<QuantizationConfig> projection;
  Reordering rows = Reordering::None, cols = Reordering::None;
};

/// Encodes the rows of a tensor, any number of rows at a time, and counts what
/// that changes.
class TensorEncoder {
public:
  /// `trained`: how the weights were trained, that is how they are projected
  /// before they count as the weights; null: they count as they are.
  /// `importance` is empty or has a number for each column.
  TensorEncoder(const TensorView &view, const Encoding &encoding,
                const QuantizationConfig *trained,
                std::vector<float> importance);

  /// Takes the looks at all rows that are needed before the first is encoded.
  llvm::Error prepare();

  int64_t getRowBytes() const {
    return format::infoOf(encoding.storage).rowBytes(cols);
  }

  /// Encodes rows [row, row + count) to `out`, in parallel, and adds to the
  /// report. Rows are those of the result.
  llvm::Error encode(int64_t row, int64_t count, uint8_t *out,
                     TensorReport &report) const;

private:
  std::string describe() const;
  llvm::Error encodeRow(int64_t row, uint8_t *out, TensorReport &report) const;
  llvm::Error readReference(int64_t row, float *out) const;
  void encodeBlocks(const float *weights, uint8_t *out,
                    TensorReport &report) const;
  llvm::Error project(const float *weights, float *out,
                      TensorReport &report) const;
  llvm::Error check(int64_t row, const float *weights, const uint8_t *bytes,
                    TensorReport &report) const;
  void countScales(const uint8_t *bytes, TensorReport &report) const;

  const TensorView &view;
  Encoding encoding;
  int64_t cols;
  std::optional<RowProjector> reference;
  std::vector<float> importance;
  float tensorScale = 0; ///< of projections with one
};

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_TENSORENCODER_H
