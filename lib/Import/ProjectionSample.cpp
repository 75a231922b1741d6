//===- ProjectionSample.cpp - Effects of trits on weights -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ProjectionSample.h"
#include "sherry/Format/LeastSquares.h"
#include "sherry/Format/Pack.h"
#include "sherry/Format/Quantizer.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

using namespace llvm;
using namespace sherry;

/// Least number of sampled rows of each kind of layer.
static constexpr int64_t kRowsOfKind = 256;
/// Below this relative squared error, weights are trits already. Gaussian
/// weights have 0.28.
static constexpr double kErrorOfTrits = 0.05;
/// Number of standard errors that chance does not explain. The trained models
/// of this repository have more than 12.
static constexpr double kClearTrace = 6;

namespace {

/// Differences between groups of inputs and sets of the same size that begin in
/// the middle of a group, summed by their position in a row. So similarities of
/// one input in different rows are not counted as evidence.
class GroupTrace {
public:
  void addRow(const format::TernaryLayout &layout, const float *row,
              int64_t cols) {
    const format::Codebook &codebook = *layout.codebook;
    if (codebook.kept == 0)
      return;
    int64_t half = codebook.inputs / 2;
    size_t place = 0;
    auto addGroup = [&](int64_t first, int64_t, int64_t inputs) {
      if (inputs < codebook.inputs || first + half + inputs > cols)
        return;
      if (place == differences.size())
        differences.push_back(0);
      differences[place++] += compareNeighbours(codebook, row + first) -
                              compareNeighbours(codebook, row + first + half);
    };
    format::forGroups(layout, /*strided=*/false, cols, addGroup);
    ++rows;
  }

  double mean() const {
    double sum = 0;
    for (double difference : differences)
      sum += difference;
    return sum / static_cast<double>(rows * size());
  }
  /// The variance of the mean.
  double variance() const {
    double sum = 0, average = mean();
    for (double difference : differences)
      sum += std::pow(difference / static_cast<double>(rows) - average, 2);
    return sum / static_cast<double>(size() * (size() - 1));
  }
  int64_t size() const { return static_cast<int64_t>(differences.size()); }

private:
  /// The largest magnitude that a group drops, divided by the smallest
  /// magnitude that it keeps.
  static double compareNeighbours(const format::Codebook &codebook,
                                  const float *group) {
    float sorted[format::kMaxGroupInputs];
    for (int64_t i = 0; i < codebook.inputs; ++i)
      sorted[i] = std::fabs(group[i]);
    std::sort(sorted, sorted + codebook.inputs, std::greater<>());
    float kept = sorted[codebook.kept - 1], dropped = sorted[codebook.kept];
    return kept > 0 ? dropped / kept : 1;
  }

  std::vector<double> differences; ///< summed over the rows
  int64_t rows = 0;
};

class Sampler {
public:
  Sampler(Checkpoint &checkpoint, const ModelConfig &config,
          const TritProjection &projection)
      : checkpoint(checkpoint), config(config) {
    sample.codebook = layout.codebook = projection.codebook;
    layout.granularity = projection.granularity;
    layout.groupSize = projection.groupSize;
    layout.scaleType = format::ScaleType::F32;
  }

  Error add(const LinearLayer &linear);
  ProjectionSample take();

private:
  Error addRows(const TensorView &view, int64_t count,
                ProjectionSample::Kind &kind);
  Error project(const TensorView &view, const std::vector<float> &rows,
                int64_t count, std::vector<float> &out) const;

  Checkpoint &checkpoint;
  const ModelConfig &config;
  format::TernaryLayout layout;
  ProjectionSample sample;
  /// By the kind of inputs: layers that read the same features share a trace.
  std::map<StringRef, GroupTrace> traces;
  GroupTrace *trace = nullptr; ///< trace of the current layer
};

} // namespace

Error Sampler::project(const TensorView &view, const std::vector<float> &rows,
                       int64_t count, std::vector<float> &out) const {
  int64_t cols = view.getCols();
  if (layout.codebook->kept == 0) {
    std::vector<int8_t> trits(format::kMaxStoredInputs);
    for (int64_t i = 0; i < count * cols; i += format::kMaxStoredInputs) {
      int64_t size = std::min(format::kMaxStoredInputs, count * cols - i);
      float scale =
          format::quantizeTernary(&rows[i], nullptr, size, trits.data());
      for (int64_t j = 0; j < size; ++j)
        out[i + j] = static_cast<float>(trits[j]) * scale;
    }
    return Error::success();
  }
  format::Quantizer quantizer(layout, cols);
  format::Failure failure;
  int64_t rowGroups = layout.rowGroups(cols);
  std::vector<uint8_t> codes(count * rowGroups);
  std::vector<float> scales(count * quantizer.scaleGroups());
  if (quantizer.needsFirstPass())
    failure = quantizer.accumulateRows(0, count, rows.data());
  if (!failure)
    failure = quantizer.quantizeRows(0, count, rows.data(), codes.data(),
                                     scales.data());
  if (failure)
    return makeError(view.getFile() + ": tensor " + quote(view.getName()) +
                     ": " + *failure);
  int64_t size = layout.scaleGroupInputs(cols);
  std::vector<int8_t> trits(cols);
  for (int64_t row = 0; row < count; ++row) {
    format::decodeRow(layout, /*strided=*/false, cols, &codes[row * rowGroups],
                      trits.data());
    for (int64_t i = 0; i < cols; ++i)
      out[row * cols + i] = static_cast<float>(trits[i]) *
                            scales[row * quantizer.scaleGroups() + i / size];
  }
  return Error::success();
}

/// Samples `count` evenly spaced rows.
Error Sampler::addRows(const TensorView &view, int64_t count,
                       ProjectionSample::Kind &kind) {
  int64_t cols = view.getCols();
  std::vector<float> rows(count * cols), projected(count * cols);
  for (int64_t i = 0; i < count; ++i) {
    float *row = &rows[i * cols];
    if (Error error = view.readRows(i * view.getRows() / count, 1, row))
      return error;
    trace->addRow(layout, row, cols);
  }
  if (Error error = project(view, rows, count, projected))
    return error;
  for (int64_t i = 0; i < count * cols; ++i) {
    double before = rows[i], change = before - projected[i];
    kind.squares += before * before;
    kind.errorSquares += change * change;
  }
  return Error::success();
}

Error Sampler::add(const LinearLayer &linear) {
  ProjectionSample::Kind kind;
  kind.name = linear.name;
  StringRef module = linear.module;
  bool isInner = module.ends_with("o_proj") || module.ends_with("down_proj");
  trace = &traces[isInner ? module : "hidden"];
  int64_t count =
      std::min(format::ceilDiv(kRowsOfKind, config.numLayers), linear.outputs);
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    auto view = checkpoint.getTensor(nameWeight(linear, layer),
                                     {linear.outputs, linear.inputs});
    if (!view)
      return view.takeError();
    if (format::infoOf(view->getTensorType()).blockInputs == 1)
      if (Error error = addRows(*view, count, kind))
        return error;
  }
  if (kind.squares > 0)
    sample.kinds.push_back(std::move(kind));
  return Error::success();
}

ProjectionSample Sampler::take() {
  double sum = 0, variance = 0;
  for (const auto &[name, trace] : traces)
    if (trace.size() > 1) {
      sum += trace.mean();
      variance += trace.variance();
    }
  if (variance > 0)
    sample.groupTrace = sum / std::sqrt(variance);
  return std::move(sample);
}

Expected<ProjectionSample>
sherry::sampleProjection(Checkpoint &checkpoint, const ModelConfig &config,
                         ArrayRef<LinearLayer> layers,
                         const TritProjection &projection) {
  Sampler sampler(checkpoint, config, projection);
  for (const LinearLayer &linear : layers)
    if (Error error = sampler.add(linear))
      return error;
  return sampler.take();
}

double ProjectionSample::getRelativeError() const {
  double squares = 0, errorSquares = 0;
  for (const Kind &kind : kinds) {
    squares += kind.squares;
    errorSquares += kind.errorSquares;
  }
  return squares > 0 ? errorSquares / squares : 0;
}

bool ProjectionSample::looksTrained() const {
  return getRelativeError() < kErrorOfTrits ||
         std::fabs(groupTrace) > kClearTrace;
}

std::string ProjectionSample::describeErrors() const {
  std::string result = "as trits the weights have the relative squared error";
  for (const Kind &kind : kinds)
    result += formatv("{0} {1} {2:f3}", &kind == kinds.data() ? "" : ",",
                      kind.name, kind.errorSquares / kind.squares);
  return result + " (of a sample)";
}

std::string ProjectionSample::describeProblem() const {
  return formatv(
      "the weights were not trained to become trits of the codebook {0}: no "
      "quantization_config says so, {1}and {2:f0} % of their squares would be "
      "lost, so that its answers would be useless",
      StringRef(codebook->name),
      codebook->kept == 0 ? "" : "its groups left no trace in them, ",
      100 * getRelativeError());
}
