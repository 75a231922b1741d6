//===- LeastSquares.h - Trits nearest to weights ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Least squares: trits t and a scale d that minimise the sum of q * (w - d t)^2
// over the weights w that share the scale, each with an importance q. For equal
// importances the result is the minimum; for 3:4 it is the closed form of the
// Sherry quantizer. Else the result is a local minimum: trits and scale are
// chosen in turn until they no longer change. Weights that are d t already do
// not change.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_LEASTSQUARES_H
#define SHERRY_FORMAT_LEASTSQUARES_H

#include <cstdint>

namespace sherry::format {

/// Fits trits with exactly one zero in each group of four. The weights of a
/// group are contiguous, or 16 apart in each 64. There are `count` weights,
/// finite and in whole groups. `importance` is null or has a positive number
/// per weight. Returns d, which is not negative.
float quantizePattern(const float *weights, const float *importance,
                      int64_t count, bool strided, int8_t *trits);

/// The same for trits without a pattern.
float quantizeTernary(const float *weights, const float *importance,
                      int64_t count, int8_t *trits);

} // namespace sherry::format

#endif // SHERRY_FORMAT_LEASTSQUARES_H
