//===- Quantizer.h - Projection onto trits ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The closed form of the Sherry quantizer ("Sparse-AbsMean", arXiv 2601.07892),
// and AbsMean for trits without a pattern: rules [S1] to [S6] of
// docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_QUANTIZER_H
#define SHERRY_FORMAT_QUANTIZER_H

#include "sherry/Format/Diagnostics.h"
#include "sherry/Format/Layout.h"

#include <optional>

namespace sherry::format {

/// The common magnitude of those of the `count` weights, and of `before`, that
/// are not 0; 0 if all are 0, nothing if magnitudes differ.
std::optional<float> findMagnitude(const float *weights, int64_t count,
                                   float before = 0);

/// Projects one matrix, any number of rows at a time. Rows are f32[rows][cols];
/// `firstRow` is the index of their first row in the matrix, for messages only.
/// If needsFirstPass(), call accumulateRows() once for all rows before the
/// first call of quantizeRows().
class Quantizer {
public:
  /// `cols` and the group size of `layout` are positive multiples of 4.
  Quantizer(const TernaryLayout &layout, int64_t cols);

  /// Whether the whole matrix shares a scale, so that all of it is read first.
  bool needsFirstPass() const {
    return layout.granularity == Granularity::PerTensor;
  }

  const TernaryLayout &getLayout() const { return layout; }

  /// Scales of each row.
  int64_t scaleGroups() const { return layout.rowScales(cols); }

  /// Fails on NaN and infinity.
  [[nodiscard]] Failure accumulateRows(int64_t firstRow, int64_t rows,
                                       const float *weights);

  /// Writes codes[rows][layout.rowGroups(cols)] and
  /// scales[rows][scaleGroups()]. Scales are rounded to the scale type. Fails
  /// on NaN and infinity, and on scales that f16 cannot hold.
  [[nodiscard]] Failure quantizeRows(int64_t firstRow, int64_t rows,
                                     const float *weights, uint8_t *codes,
                                     float *scales) const;

private:
  /// The sums from which the scale of weights is computed.
  struct ScaleSum {
    float scale() const {
      return magnitude ? *magnitude : static_cast<float>(sum / kept);
    }

    double sum = 0; ///< of |w| over the kept weights
    int64_t kept = 0;
    /// [S6] The magnitude of weights that are trits already, else nothing.
    std::optional<float> magnitude = 0.0F;
  };

  /// With a codebook of patterns, also writes the codes, unless null.
  void accumulate(const float *weights, int64_t count, ScaleSum &total,
                  uint8_t *codes = nullptr) const;
  void roundRegion(const float *weights, int64_t count, float scale,
                   uint8_t *codes) const;

  TernaryLayout layout;
  int64_t cols;
  ScaleSum tensor; ///< of all weights so far, if they share a scale
};

} // namespace sherry::format

#endif // SHERRY_FORMAT_QUANTIZER_H
