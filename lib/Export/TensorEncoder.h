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

/// How features are reordered within each 64: the features of a contiguous
/// group move 16 apart, or the other way round.
enum class Reordering { None, ToStrided, ToContiguous };

/// How a tensor is written.
struct Encoding {
  format::TensorType storage;
  /// If set, the tensor holds trits times scales, as numbers of `storage`.
  std::optional<QuantizationConfig> projection;
  Reordering rows = Reordering::None, cols = Reordering::None;
};

/// Encodes the rows of a tensor, any number of rows at a time, and measures the
/// changes.
class TensorEncoder {
public:
  /// `trained` is the projection that turns latent weights into the model's
  /// weights; null: the tensor has the weights themselves. `importance` is
  /// empty or has a number for each column.
  TensorEncoder(const TensorView &view, const Encoding &encoding,
                const QuantizationConfig *trained,
                std::vector<float> importance);

  /// Reads all rows if this is necessary before the first row is encoded.
  llvm::Error prepare();

  int64_t getRowBytes() const {
    return format::infoOf(encoding.storage).rowBytes(cols);
  }

  /// Encodes rows [row, row + count) of the result to `out`, in parallel, and
  /// adds to the report.
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
  float tensorScale = 0; ///< for projections with one scale per tensor
};

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_TENSORENCODER_H
