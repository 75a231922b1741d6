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

/// Weights share scales as in format::TernaryLayout.
///  None     Q(W) = W.
///  Sherry   trits of a codebook times a scale, computed by the compiler's own
///           format::Quantizer.
///  Binary   s or -s by the sign of w, + for 0; s is the mean of |w|.
enum class QuantizerKind { None, Sherry, Binary };

std::optional<QuantizerKind> parseQuantizerKind(llvm::StringRef name);
llvm::StringRef getQuantizerName(QuantizerKind kind);
std::optional<format::Granularity> parseGranularity(llvm::StringRef name);

struct Projection {
  QuantizerKind kind = QuantizerKind::None;
  const format::Codebook *codebook = &format::k3of4; ///< of Sherry
  format::Granularity granularity = format::Granularity::PerGroup;
  int64_t groupSize = 128; ///< a positive multiple of 4; if PerGroup
  /// Scales are rounded to f16, as in the compiler.
  bool roundsScales = false;
  /// Trits without a pattern and their scales minimise the squared error. Trits
  /// with a pattern always do.
  bool isLeastSquares = false;

  /// Bits of a weight of a matrix [rows][cols]: its share of the codes and of
  /// the scales in f16, without padding at the end of a row; for None,
  /// `denseBits`.
  double getBitsPerWeight(int64_t rows, int64_t cols, double denseBits) const;
};

/// Writes Q(W) + lambda * W of weights[rows][cols] to `out`, in parallel, and
/// the signs of Q(W) to `trits` if it is not null. cols is a multiple of 4, Q
/// is not None. Fails on NaN and infinity.
[[nodiscard]] format::Failure project(const Projection &projection,
                                      const float *weights, int64_t rows,
                                      int64_t cols, float lambda, float *out,
                                      int8_t *trits = nullptr);

} // namespace sherry::training

#endif // SHERRY_TRAINING_PROJECTION_H
