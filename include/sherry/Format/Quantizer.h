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

/// The magnitude of all of `count` weights that are not 0, and of `before` if
/// it is not 0; 0 if all are, nothing if magnitudes differ.
std::optional<float> findMagnitude(const float *weights, int64_t count,
                                   float before = 0);

/// Projects one matrix, any number of rows at a time. Rows are f32[rows][cols];
/// `firstRow` is where they lie in the matrix and serves messages only. If
/// needsFirstPass(), all rows go through accumulateRows() once before the first
/// call of quantizeRows().
class Quantizer {
public:
  /// `cols` and the group size of `layout` are positive multiples of 4.
  Quantizer(const TernaryLayout &layout, int64_t cols);

  /// One scale for the whole matrix takes a look at all of it.
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
  /// scales[rows][scaleGroups()], the latter as the scale type holds them.
  /// Fails on NaN and infinity, and on scales that f16 cannot hold.
  [[nodiscard]] Failure quantizeRows(int64_t firstRow, int64_t rows,
                                     const float *weights, uint8_t *codes,
                                     float *scales) const;

private:
  /// What the weights that share a scale say of it.
  struct ScaleSum {
    float scale() const {
      return magnitude ? *magnitude : static_cast<float>(sum / kept);
    }

    double sum = 0; ///< of |w| over the kept weights
    int64_t kept = 0;
    /// [S6] That of weights that are trits already; nothing if they are not.
    std::optional<float> magnitude = 0.0F;
  };

  void accumulate(const float *weights, int64_t count, ScaleSum &total) const;
  void projectRegion(const float *weights, int64_t count, float scale,
                     uint8_t *codes) const;

  TernaryLayout layout;
  int64_t cols;
  ScaleSum tensor; ///< of all weights that were seen, if they share a scale
};

} // namespace sherry::format

#endif // SHERRY_FORMAT_QUANTIZER_H
