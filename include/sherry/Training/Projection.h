//===- Projection.h - Weights as layers use them ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantizers of training and of evaluation: Q(W) for a matrix W.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_PROJECTION_H
#define SHERRY_TRAINING_PROJECTION_H

#include "sherry/Format/Diagnostics.h"
#include "sherry/Format/Layout.h"

#include "llvm/ADT/StringRef.h"

#include <optional>

namespace sherry::training {

/// The regions that share a scale are those of format::TernaryLayout.
///  None     Q(W) = W.
///  Sherry   3:4-sparse trits times the mean of the |w| that are kept, the
///           closed form of format::Quantizer, which computes it.
///  AbsMean  s * clamp(round(w / s), -1, 1), s the mean of |w| (BitNet b1.58);
///           ties are rounded to even.
///  Binary   s or -s by the sign of w, that of 0 being +; s the mean of |w|.
enum class QuantizerKind { None, Sherry, AbsMean, Binary };

std::optional<QuantizerKind> parseQuantizerKind(llvm::StringRef name);
llvm::StringRef getQuantizerName(QuantizerKind kind);
std::optional<format::Granularity> parseGranularity(llvm::StringRef name);

struct Projection {
  QuantizerKind kind = QuantizerKind::None;
  format::Granularity granularity = format::Granularity::PerGroup;
  int64_t groupSize = 128; ///< a positive multiple of 4; if PerGroup
  /// Scales are rounded to f16, as the compiler does it.
  bool roundsScales = false;
  /// Trits and scales of AbsMean minimise the squared error instead. Those of
  /// Sherry and Binary do so anyway.
  bool isLeastSquares = false;

  /// Bits that a weight of a matrix [rows][cols] takes, its share of the scales
  /// in f16 included; of None, `denseBits`. Ternary weights count log2(3).
  double getBitsPerWeight(int64_t rows, int64_t cols, double denseBits) const;
};

/// Writes Q(W) + lambda * W for weights[rows][cols], cols a multiple of 4 and Q
/// not None, to `out`, in parallel, and the signs of Q(W) to `trits`, if it is
/// not null. Fails on NaN and infinity.
[[nodiscard]] format::Failure project(const Projection &projection,
                                      const float *weights, int64_t rows,
                                      int64_t cols, float lambda, float *out,
                                      int8_t *trits = nullptr);

} // namespace sherry::training

#endif // SHERRY_TRAINING_PROJECTION_H
