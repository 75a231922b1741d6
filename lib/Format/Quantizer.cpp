//===- Quantizer.cpp - Projection onto trits ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Quantizer.h"
#include "PackUtils.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <sstream>
#include <vector>

using namespace sherry::format;

/// A layout in which each row is a scale group.
static TernaryLayout ofOneScale(TernaryLayout layout) {
  layout.granularity = Granularity::PerChannel;
  return layout;
}

namespace {
struct Projection {
  uint8_t code;
  double keptSum; ///< of |w| over the kept weights
};
} // namespace

/// Codes, indexed by 16 * zero lane + a bit for each negative lane; the bit of
/// the zero lane does not count.
static constexpr std::array<uint8_t, 64> makeCodeTable() {
  std::array<uint8_t, 64> table{};
  for (int key = 0; key < 64; ++key) {
    int8_t trits[4] = {};
    for (int lane = 0; lane < 4; ++lane)
      trits[lane] = lane == key >> 4 ? 0 : key >> lane & 1 ? -1 : 1;
    table[key] = k3of4.encode(trits, 4);
  }
  return table;
}

/// [S1], [S2] for four finite weights of 3:4. A model has billions of these.
static inline Projection projectFour(const float *weights) {
  static constexpr std::array<uint8_t, 64> codeTable = makeCodeTable();
  constexpr uint32_t negativeZero = 0x80000000;

  uint32_t zeroLane = 0, negative = 0, smallest = UINT32_MAX;
  double sum = 0;
  for (uint32_t lane = 0; lane < k3of4.inputs; ++lane) {
    // Magnitudes compare like the integers of their bits.
    uint32_t bits = floatBits(weights[lane]), magnitude = bits & ~negativeZero;
    bool isSmaller = magnitude < smallest;
    zeroLane = isSmaller ? lane : zeroLane;
    smallest = isSmaller ? magnitude : smallest;
    negative |= static_cast<uint32_t>(bits > negativeZero) << lane;
    sum += floatFromBits(magnitude);
  }
  return {codeTable[16 * zeroLane + negative], sum - floatFromBits(smallest)};
}

/// [S1], [S2] for the finite weights of a group of any pattern.
static Projection projectGroup(const Codebook &codebook, const float *weights,
                               int64_t count) {
  Trits trits{};
  double sum = 0;
  for (int64_t kept = 0; kept < codebook.kept; ++kept) {
    // The largest remaining weight; the last of equal weights.
    int64_t largest = -1;
    for (int64_t i = 0; i < count; ++i)
      if (trits[i] == 0 &&
          (largest < 0 || std::fabs(weights[i]) >= std::fabs(weights[largest])))
        largest = i;
    trits[largest] = weights[largest] < 0 ? -1 : 1;
    sum += std::fabs(weights[largest]);
  }
  return {codebook.encode(trits.data(), count), sum};
}

/// Computes the codes of the groups of a scale group, or of a row of a matrix
/// that has one scale.
template <typename Fn>
static void projectGroups(const TernaryLayout &layout, const float *weights,
                          int64_t count, Fn use) {
  if (layout.codebook == &k3of4) {
    for (int64_t i = 0; i < count; i += k3of4.inputs)
      use(projectFour(weights + i));
    return;
  }
  forGroups(ofOneScale(layout), /*strided=*/false, count,
            [&](int64_t first, int64_t, int64_t inputs) {
              use(projectGroup(*layout.codebook, weights + first, inputs));
            });
}

std::optional<float> sherry::format::findMagnitude(const float *weights,
                                                   int64_t count,
                                                   float before) {
  for (int64_t i = 0; i < count; ++i) {
    float magnitude = std::fabs(weights[i]);
    if (before == 0)
      before = magnitude;
    if (magnitude != 0 && magnitude != before)
      return std::nullopt;
  }
  return before;
}

Quantizer::Quantizer(const TernaryLayout &layout, int64_t cols)
    : layout(layout), cols(cols) {}

/// [S1] to [S3], or [S6]: adds up the weights of a scale group, or of a row of
/// a matrix that has one scale.
void Quantizer::accumulate(const float *weights, int64_t count, ScaleSum &total,
                           uint8_t *codes) const {
  if (layout.codebook->kept == 0) {
    for (int64_t i = 0; i < count; ++i)
      total.sum += std::fabs(weights[i]);
    total.kept += count;
    if (total.magnitude)
      total.magnitude = findMagnitude(weights, count, *total.magnitude);
    return;
  }
  // The mean over the kept weights does not change trits.
  total.magnitude.reset();
  projectGroups(layout, weights, count, [&](const Projection &group) {
    total.sum += group.keptSum;
    total.kept += layout.codebook->kept;
    if (codes)
      *codes++ = group.code;
  });
}

Failure Quantizer::accumulateRows(int64_t firstRow, int64_t rows,
                                  const float *weights) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  for (int64_t row = 0; row < rows; ++row)
    accumulate(weights + row * cols, cols, tensor);
  return {};
}

/// [S5] Rounds `scale` to its stored type.
static Failure roundScale(ScaleType type, int64_t row, int64_t col,
                          float &scale) {
  if (type == ScaleType::F32)
    return {};
  float rounded = f16ToF32(f32ToF16(scale));
  if ((rounded != 0 || scale == 0) && rounded <= 65504) {
    scale = rounded;
    return {};
  }
  std::ostringstream message;
  message << "row " << row << ", column " << col << ": the scale " << scale
          << " of the weights from here on is too "
          << (rounded == 0 ? "small" : "large") << " for f16";
  return {message.str(), FailureKind::ScaleRange};
}

/// [S6], with `scale` before rounding.
void Quantizer::roundRegion(const float *weights, int64_t count, float scale,
                            uint8_t *codes) const {
  std::vector<int8_t> trits(count);
  for (int64_t i = 0; i < count; ++i) {
    // 0 / 0 is not greater.
    bool isKept = std::fabs(weights[i]) / scale > 0.5f;
    trits[i] = isKept ? (weights[i] < 0 ? int8_t{-1} : int8_t{1}) : int8_t{0};
  }
  [[maybe_unused]] bool hasCodes = encodeRow(
      ofOneScale(layout), /*strided=*/false, count, trits.data(), codes);
  assert(hasCodes && "all trits have codes");
}

Failure Quantizer::quantizeRows(int64_t firstRow, int64_t rows,
                                const float *weights, uint8_t *codes,
                                float *scales) const {
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t row = firstRow; row < firstRow + rows; ++row, weights += cols) {
    if (Failure failure = checkFinite(weights, row, 1, cols))
      return failure;
    for (int64_t begin = 0; begin < cols; begin += size) {
      int64_t count = std::min(size, cols - begin);
      // [S4]; one pass gives the sum, which one scale for the tensor does not
      // need, and the codes of patterns.
      ScaleSum total;
      bool hasPatterns = layout.codebook->kept != 0;
      if (hasPatterns || !needsFirstPass())
        accumulate(weights + begin, count, total, codes);
      float scale = (needsFirstPass() ? tensor : total).scale();
      if (!hasPatterns)
        roundRegion(weights + begin, count, scale, codes);
      codes += layout.groups(count);
      if (Failure failure = roundScale(layout.scaleType, row, begin, scale))
        return failure;
      *scales++ = scale;
    }
  }
  return {};
}
