//===- Projection.cpp - Weights as layers use them ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Projection.h"
#include "Parallel.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/LeastSquares.h"
#include "sherry/Format/Pack.h"
#include "sherry/Format/Quantizer.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>
#include <vector>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using format::Granularity;

std::optional<QuantizerKind>
sherry::training::parseQuantizerKind(StringRef name) {
  return StringSwitch<std::optional<QuantizerKind>>(name)
      .Case("none", QuantizerKind::None)
      .Case("sherry", QuantizerKind::Sherry)
      .Case("binary", QuantizerKind::Binary)
      .Default(std::nullopt);
}

StringRef sherry::training::getQuantizerName(QuantizerKind kind) {
  switch (kind) {
  case QuantizerKind::None:
    return "none";
  case QuantizerKind::Sherry:
    return "sherry";
  case QuantizerKind::Binary:
    return "binary";
  }
  llvm_unreachable("unknown quantizer");
}

std::optional<Granularity> sherry::training::parseGranularity(StringRef name) {
  return StringSwitch<std::optional<Granularity>>(name)
      .Case("per_tensor", Granularity::PerTensor)
      .Case("per_channel", Granularity::PerChannel)
      .Case("per_group", Granularity::PerGroup)
      .Default(std::nullopt);
}

static format::TernaryLayout makeLayout(const Projection &projection) {
  format::TernaryLayout layout;
  layout.granularity = projection.granularity;
  layout.groupSize = projection.groupSize;
  layout.codebook = projection.codebook;
  layout.scaleType =
      projection.roundsScales ? format::ScaleType::F16 : format::ScaleType::F32;
  return layout;
}

double Projection::getBitsPerWeight(int64_t rows, int64_t cols,
                                    double denseBits) const {
  if (kind == QuantizerKind::None)
    return denseBits;
  format::TernaryLayout layout = makeLayout(*this);
  int64_t codeBits = codebook->hasSignApart() ? 6 : 5, scaleBits = 16;
  int64_t rowBits =
      kind == QuantizerKind::Binary ? cols : codeBits * layout.rowGroups(cols);
  int64_t scales =
      granularity == Granularity::PerTensor ? 1 : rows * layout.rowScales(cols);
  return static_cast<double>(rows * rowBits + scales * scaleBits) /
         static_cast<double>(rows * cols);
}

static void finish(const float *weights, const int8_t *trits, int64_t count,
                   float scale, float lambda, float *out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(trits[i]) * scale + lambda * weights[i];
}

static double sumMagnitudes(const float *weights, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::fabs(static_cast<double>(weights[i]));
  return sum;
}

static float roundScale(const Projection &projection, float scale) {
  return projection.roundsScales ? format::f16ToF32(format::f32ToF16(scale))
                                 : scale;
}

/// Whether trits and scales differ from the compiler's.
static bool isFitted(const Projection &projection) {
  return projection.kind == QuantizerKind::Sherry &&
         projection.codebook->kept == 0 && projection.isLeastSquares;
}

/// Projects the finite weights of a region to fitted trits, or to signs. `mean`
/// is the mean of |w| over all weights that share the scale.
static void projectRegion(const Projection &projection, const float *weights,
                          int64_t count, double mean, float lambda, float *out,
                          int8_t *trits) {
  auto scale = static_cast<float>(mean);
  if (isFitted(projection))
    scale = format::quantizeTernary(weights, nullptr, count, trits);
  else
    for (int64_t i = 0; i < count; ++i)
      trits[i] = weights[i] < 0 ? -1 : 1;
  finish(weights, trits, count, roundScale(projection, scale), lambda, out);
}

static format::Failure quantize(const Projection &projection,
                                const float *weights, int64_t rows,
                                int64_t cols, float lambda, float *out,
                                int8_t *trits) {
  format::Quantizer quantizer(makeLayout(projection), cols);
  if (quantizer.needsFirstPass())
    if (auto failure = quantizer.accumulateRows(0, rows, weights))
      return failure;
  int64_t size = quantizer.getLayout().scaleGroupInputs(cols);
  return parallelRows(rows, [&](int64_t row) -> format::Failure {
    std::vector<uint8_t> codes(quantizer.getLayout().rowGroups(cols));
    std::vector<float> scales(quantizer.scaleGroups());
    const float *from = weights + row * cols;
    if (auto failure =
            quantizer.quantizeRows(row, 1, from, codes.data(), scales.data()))
      return failure;
    std::vector<int8_t> rowTrits(cols);
    format::decodeRow(quantizer.getLayout(), /*strided=*/false, cols,
                      codes.data(), rowTrits.data());
    for (int64_t i = 0; i < cols; i += size)
      finish(from + i, rowTrits.data() + i, std::min(size, cols - i),
             scales[i / size], lambda, out + row * cols + i);
    if (trits)
      std::copy(rowTrits.begin(), rowTrits.end(), trits + row * cols);
    return {};
  });
}

format::Failure sherry::training::project(const Projection &projection,
                                          const float *weights, int64_t rows,
                                          int64_t cols, float lambda,
                                          float *out, int8_t *trits) {
  assert(projection.kind != QuantizerKind::None && "nothing to project");
  if (projection.kind == QuantizerKind::Sherry && !isFitted(projection))
    return quantize(projection, weights, rows, cols, lambda, out, trits);
  std::optional<double> tensorMean;
  if (projection.granularity == Granularity::PerTensor) {
    tensorMean =
        sumMagnitudes(weights, rows * cols) / static_cast<double>(rows * cols);
    if (projection.isLeastSquares) {
      if (auto failure = format::checkFinite(weights, 0, rows, cols))
        return failure;
      // All weights are fitted as one long row.
      std::vector<int8_t> own(trits ? 0 : rows * cols);
      projectRegion(projection, weights, rows * cols, *tensorMean, lambda, out,
                    trits ? trits : own.data());
      return {};
    }
  }
  int64_t size = makeLayout(projection).scaleGroupInputs(cols);
  return parallelRows(rows, [&](int64_t row) -> format::Failure {
    const float *from = weights + row * cols;
    if (auto failure = format::checkFinite(from, row, 1, cols))
      return failure;
    std::vector<int8_t> rowTrits(cols);
    for (int64_t i = 0; i < cols; i += size) {
      int64_t count = std::min(size, cols - i);
      double mean = tensorMean.value_or(sumMagnitudes(from + i, count) /
                                        static_cast<double>(count));
      projectRegion(projection, from + i, count, mean, lambda,
                    out + row * cols + i, rowTrits.data() + i);
    }
    if (trits)
      std::copy(rowTrits.begin(), rowTrits.end(), trits + row * cols);
    return {};
  });
}
