//===- TensorEncoder.cpp - Rows of a tensor in another type ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TensorEncoder.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/LeastSquares.h"
#include "sherry/Format/Pack.h"
#include "sherry/Support/Json.h"

#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <cmath>
#include <optional>

using namespace llvm;
using namespace sherry;
using format::Granularity;
using format::TensorType;

void TensorReport::add(const TensorReport &part) {
  squares += part.squares;
  errorSquares += part.errorSquares;
  if (part.scales > 0) {
    smallestScale = scales == 0 ? part.smallestScale
                                : std::min(smallestScale, part.smallestScale);
    largestScale = scales == 0 ? part.largestScale
                               : std::max(largestScale, part.largestScale);
  }
  scales += part.scales;
  scaleSum += part.scaleSum;
  if (part.changed)
    changed = changed.value_or(0) + *part.changed;
  for (int64_t bin = 0; bin < kBins; ++bin)
    histogram[bin] += part.histogram[bin];
}

static void countScale(double scale, TensorReport &report) {
  TensorReport one;
  one.scales = 1;
  one.smallestScale = one.largestScale = one.scaleSum = scale;
  report.add(one);
}

static format::TernaryLayout makeLayout(const QuantizationConfig &config) {
  format::TernaryLayout layout;
  layout.granularity = config.granularity;
  layout.groupSize = config.groupSize;
  layout.codebook = config.codebook;
  return layout;
}

/// A scale, rounded as in the file.
static float roundScale(float scale) {
  return format::f16ToF32(format::f32ToF16(scale));
}

static void countRatios(const float *weights, int64_t count, float scale,
                        TensorReport &report) {
  for (int64_t i = 0; scale > 0 && i < count; ++i) {
    double ratio = weights[i] / scale;
    constexpr int64_t middle = TensorReport::kBins / 2;
    int64_t bin =
        std::llround(std::clamp(ratio / TensorReport::kBinWidth, -1e6, 1e6) +
                     static_cast<double>(middle));
    bin = std::clamp<int64_t>(bin, 0, TensorReport::kBins - 1);
    ++report.histogram[bin];
  }
}

/// The feature that moves to index `place`.
static int64_t featureAt(Reordering reordering, int64_t place) {
  int64_t first = place / format::kStridedInputs * format::kStridedInputs;
  int64_t i = place - first;
  switch (reordering) {
  case Reordering::None:
    return place;
  case Reordering::ToStrided:
    return first + i % format::kGroupStride * format::kDotInputs +
           i / format::kGroupStride;
  case Reordering::ToContiguous:
    return first + i % format::kDotInputs * format::kGroupStride +
           i / format::kDotInputs;
  }
  llvm_unreachable("unknown reordering");
}

static void reorder(Reordering reordering, std::vector<float> &row) {
  if (reordering == Reordering::None)
    return;
  std::vector<float> before = row;
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = before[featureAt(reordering, static_cast<int64_t>(i))];
}

TensorEncoder::TensorEncoder(const TensorView &view, const Encoding &encoding,
                             const QuantizationConfig *trained,
                             std::vector<float> importance)
    : view(view), encoding(encoding), cols(view.getCols()),
      importance(std::move(importance)) {
  reorder(encoding.cols, this->importance);
  if (trained)
    reference.emplace(makeLayout(*trained), cols, describe());
}

std::string TensorEncoder::describe() const {
  return (view.getFile() + ": tensor " + quote(view.getName())).str();
}

Error TensorEncoder::prepare() {
  auto readRows = [&](int64_t row, int64_t count, float *out) {
    return view.readRows(row, count, out);
  };
  // The projection of the reference comes first, because the other projects its
  // rows.
  if (reference)
    if (Error error = reference->prepare(view.getRows(), readRows))
      return error;
  if (!encoding.projection ||
      encoding.projection->granularity != Granularity::PerTensor)
    return Error::success();
  RowProjector projector(makeLayout(*encoding.projection), cols, describe());
  auto readReferences = [&](int64_t row, int64_t count, float *out) -> Error {
    for (int64_t i = 0; i < count; ++i)
      if (Error error = readReference(row + i, out + i * cols))
        return error;
    return Error::success();
  };
  if (Error error = projector.prepare(view.getRows(), readReferences))
    return error;
  // All rows have the scale of the first.
  std::vector<float> row(cols);
  if (Error error = readReference(0, row.data()))
    return error;
  std::vector<uint8_t> codes(makeLayout(*encoding.projection).rowGroups(cols));
  return projector.project(0, 1, row.data(), codes.data(), &tensorScale);
}

/// Reads the weights of the model, which may differ from those in the file.
Error TensorEncoder::readReference(int64_t row, float *out) const {
  if (Error error = view.readRows(row, 1, out))
    return error;
  return reference ? reference->roundRow(row, out) : Error::success();
}

void TensorEncoder::encodeBlocks(const float *weights, uint8_t *out,
                                 TensorReport &report) const {
  const format::TensorTypeInfo &info = format::infoOf(encoding.storage);
  for (int64_t i = 0; i < cols; i += info.blockInputs, out += info.blockBytes) {
    int8_t trits[format::kMaxStoredInputs];
    const float *important = importance.empty() ? nullptr : &importance[i];
    float scale =
        format::isStrided(encoding.storage)
            ? format::quantizePattern(weights + i, important, info.blockInputs,
                                      /*strided=*/true, trits)
            : format::quantizeTernary(weights + i, important, info.blockInputs,
                                      trits);
    scale = roundScale(scale);
    countRatios(weights + i, info.blockInputs, scale, report);
    format::writeTernaryBlock(encoding.storage, trits, format::f32ToF16(scale),
                              out);
  }
}

/// Fits the trits of a scale group of `count` inputs. Only codebooks with
/// groups of four inputs or without a pattern use importances.
static format::Failure fitTrits(const format::Codebook &codebook,
                                const float *weights, const float *importance,
                                int64_t count, int8_t *trits, float &scale) {
  if (codebook.kept == 0) {
    scale = format::quantizeTernary(weights, importance, count, trits);
    return {};
  }
  if (&codebook == &format::k3of4) {
    scale = format::quantizePattern(weights, importance, count,
                                    /*strided=*/false, trits);
    return {};
  }
  // The closed form has the least squared error.
  format::TernaryLayout layout;
  layout.codebook = &codebook;
  layout.granularity = Granularity::PerChannel;
  layout.scaleType = format::ScaleType::F32;
  std::vector<uint8_t> codes(layout.rowGroups(count));
  if (auto failure = format::Quantizer(layout, count)
                         .quantizeRows(0, 1, weights, codes.data(), &scale))
    return failure;
  format::decodeRow(layout, /*strided=*/false, count, codes.data(), trits);
  return {};
}

Error TensorEncoder::project(const float *weights, float *out,
                             TensorReport &report) const {
  format::TernaryLayout layout = makeLayout(*encoding.projection);
  int64_t size = layout.scaleGroupInputs(cols);
  std::vector<int8_t> trits(size);
  for (int64_t i = 0; i < cols; i += size) {
    int64_t count = std::min(size, cols - i);
    const float *important = importance.empty() ? nullptr : &importance[i];
    float scale;
    if (auto failure = fitTrits(*layout.codebook, weights + i, important, count,
                                trits.data(), scale))
      return makeError(describe(), failure);
    scale = roundScale(
        layout.granularity == Granularity::PerTensor ? tensorScale : scale);
    countRatios(weights + i, count, scale, report);
    countScale(scale, report);
    for (int64_t j = 0; j < count; ++j)
      out[i + j] = static_cast<float>(trits[j]) * scale;
  }
  return Error::success();
}

void TensorEncoder::countScales(const uint8_t *bytes,
                                TensorReport &report) const {
  const format::TensorTypeInfo &info = format::infoOf(encoding.storage);
  if (info.blockInputs == 1 || format::hasMinimum(encoding.storage))
    return;
  for (int64_t i = 0; i < cols;
       i += info.blockInputs, bytes += info.blockBytes) {
    format::StoredBlock block;
    format::readBlock(encoding.storage, bytes, block);
    countScale(std::fabs(static_cast<double>(block.d)), report);
  }
}

/// Whether f16 may not hold the scales of the trits of a tensor.
static bool hasWideScale(const TensorView &view) {
  TensorType storage = view.getTensorType();
  return storage == TensorType::Trits || format::hasWideScale(storage) ||
         (format::isTernary(storage) && view.getFactor() != 1);
}

/// Whether all inputs that share a scale became 0 although one was not 0; no
/// choice of trits alone does this.
static bool losesScale(ArrayRef<float> before, ArrayRef<float> after) {
  constexpr size_t inputs = format::kMaxStoredInputs / 4;
  auto isZero = [](float number) { return number == 0; };
  for (size_t i = 0; i < before.size(); i += inputs) {
    size_t count = std::min(inputs, before.size() - i);
    if (all_of(after.slice(i, count), isZero) &&
        !all_of(before.slice(i, count), isZero))
      return true;
  }
  return false;
}

/// Reads the written row back and checks it.
Error TensorEncoder::check(int64_t row, const float *weights,
                           const uint8_t *bytes, TensorReport &report) const {
  std::vector<float> written(cols);
  format::readRow(encoding.storage, bytes, cols, written.data());
  if (auto failure = format::checkFinite(written.data(), row, 1, cols))
    return makeError(describe() + ": " + *failure + " as " +
                     format::infoOf(encoding.storage).name +
                     ": the weight or its scale is too large for this type; "
                     "choose another");
  if (hasWideScale(view) && losesScale(ArrayRef(weights, cols), written))
    return makeError(describe() +
                     ": the scale of the trits is too small for f16, which "
                     "this type has; compile the model as it is");
  bool wasTernary = reference || view.getTensorType() == TensorType::Trits ||
                    format::isTernary(view.getTensorType());
  int64_t changed = 0;
  for (int64_t i = 0; i < cols; ++i) {
    double before = weights[i], after = written[i];
    report.squares += before * before;
    report.errorSquares += (after - before) * (after - before);
    changed += (before > 0) != (after > 0) || (before < 0) != (after < 0);
  }
  if (wasTernary)
    report.changed = report.changed.value_or(0) + changed;
  return Error::success();
}

Error TensorEncoder::encodeRow(int64_t row, uint8_t *out,
                               TensorReport &report) const {
  std::vector<float> weights(cols);
  int64_t source = featureAt(encoding.rows, row);
  if (Error error = readReference(source, weights.data()))
    return error;
  reorder(encoding.cols, weights);
  bool isSame =
      !reference && !encoding.projection && encoding.cols == Reordering::None &&
      view.getTensorType() == encoding.storage && view.getFactor() == 1;
  if (isSame) {
    view.copyRows(source, 1, out);
  } else if (format::isTernary(encoding.storage)) {
    encodeBlocks(weights.data(), out, report);
  } else if (encoding.projection) {
    std::vector<float> projected(cols);
    if (Error error = project(weights.data(), projected.data(), report))
      return error;
    format::writeRow(encoding.storage, projected.data(), cols, out);
  } else {
    format::writeRow(encoding.storage, weights.data(), cols, out);
  }
  countScales(out, report);
  return check(row, weights.data(), out, report);
}

Error TensorEncoder::encode(int64_t row, int64_t count, uint8_t *out,
                            TensorReport &report) const {
  std::vector<TensorReport> parts(count);
  std::vector<std::optional<Error>> errors(count);
  parallelFor(0, count, [&](size_t i) {
    if (Error error = encodeRow(row + static_cast<int64_t>(i),
                                out + i * getRowBytes(), parts[i]))
      errors[i] = std::move(error);
  });
  Error first = Error::success();
  for (std::optional<Error> &error : errors) {
    if (!error)
      continue;
    if (first)
      consumeError(std::move(*error));
    else
      first = std::move(*error);
  }
  if (first)
    return first;
  for (const TensorReport &part : parts)
    report.add(part);
  return Error::success();
}
