//===- LeastSquares.cpp - Trits nearest to weights ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/LeastSquares.h"
#include "sherry/Format/Layout.h"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace sherry::format;

/// Most steps of a fit; a fit rarely takes five.
static constexpr int kMaxSteps = 16;

namespace {
/// Weights that share a scale.
struct Region {
  const float *weights, *importance;
  int64_t count;

  double magnitude(int64_t i) const {
    return std::fabs(static_cast<double>(weights[i]));
  }
  double importanceOf(int64_t i) const {
    return importance ? static_cast<double>(importance[i]) : 1;
  }
  /// A kept weight of 0 is positive: the code has no other zero.
  int8_t sign(int64_t i) const { return weights[i] < 0 ? -1 : 1; }
};

/// The best scale of given trits.
struct ScaleSum {
  double weighted = 0, importance = 0;

  void add(const Region &region, int64_t i) {
    weighted += region.importanceOf(i) * region.magnitude(i);
    importance += region.importanceOf(i);
  }
  double get() const { return importance > 0 ? weighted / importance : 0; }
};
} // namespace

/// Gives each group the zero that costs least, and returns the scale of the
/// other weights. Keeping weight i at the scale d instead of dropping it gains
/// q * (2 d |w| - d^2); if all weights are equally important, the gain is least
/// for the smallest weight, for any d.
static double chooseZeros(const Region &region, bool strided, double scale,
                          int8_t *trits) {
  int64_t stride = strided ? kGroupStride : 1;
  ScaleSum sum;
  for (int64_t group = 0; group < region.count / k3of4.inputs; ++group) {
    int64_t first =
        strided ? group / kGroupStride * kStridedInputs + group % kGroupStride
                : group * k3of4.inputs;
    int64_t zero = first;
    double least = 0;
    for (int64_t lane = 0; lane < k3of4.inputs; ++lane) {
      int64_t i = first + lane * stride;
      double gain = region.importance ? region.importanceOf(i) *
                                            (2 * region.magnitude(i) - scale)
                                      : region.magnitude(i);
      if (lane == 0 || gain < least) {
        zero = i;
        least = gain;
      }
    }
    for (int64_t lane = 0; lane < k3of4.inputs; ++lane) {
      int64_t i = first + lane * stride;
      trits[i] = i == zero ? int8_t{0} : region.sign(i);
      if (i != zero)
        sum.add(region, i);
    }
  }
  return sum.get();
}

float sherry::format::quantizePattern(const float *weights,
                                      const float *importance, int64_t count,
                                      bool strided, int8_t *trits) {
  double scale =
      chooseZeros({weights, nullptr, count}, strided, /*scale=*/0, trits);
  // The error falls with every step, so scales cannot repeat.
  for (int step = 0; importance && step < kMaxSteps; ++step) {
    double next =
        chooseZeros({weights, importance, count}, strided, scale, trits);
    if (next == scale)
      break;
    scale = next;
  }
  return static_cast<float>(scale);
}

float sherry::format::quantizeTernary(const float *weights,
                                      const float *importance, int64_t count,
                                      int8_t *trits) {
  Region region{weights, importance, count};
  std::vector<double> sorted(count);
  for (int64_t i = 0; i < count; ++i)
    sorted[i] = region.magnitude(i);
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  // Keeping the k largest, whose sum is S, saves S^2 / k of the squares.
  double sum = 0, saved = 0, scale = 0;
  for (int64_t k = 1; k <= count; ++k) {
    sum += sorted[k - 1];
    auto kept = static_cast<double>(k);
    if (sum * sum / kept > saved) {
      saved = sum * sum / kept;
      scale = sum / kept;
    }
  }
  for (int step = 0; step < kMaxSteps; ++step) {
    ScaleSum kept;
    for (int64_t i = 0; i < count; ++i) {
      trits[i] = region.magnitude(i) > scale / 2 ? region.sign(i) : int8_t{0};
      if (trits[i] != 0)
        kept.add(region, i);
    }
    double next = kept.get();
    if (next == scale)
      break;
    scale = next;
  }
  return static_cast<float>(scale);
}
