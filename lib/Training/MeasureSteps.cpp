//===- MeasureSteps.cpp - Measures the cost of training steps -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Exceptions.h"
#include "MatrixProducts.h"
#include "Run.h"

#include <torch/torch.h>

#include <algorithm>
#include <sys/resource.h>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::ordered_json;

/// The number of first steps that are not measured, because they allocate
/// memory.
static constexpr int64_t kWarmupSteps = 2;

/// The peak of the process's memory in bytes.
static double getPeakBytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

static double getMedian(std::vector<double> values) {
  auto middle = values.begin() + static_cast<int64_t>(values.size()) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Takes steps that write no files. Times products between the steps, so that
/// both run under the same conditions.
Expected<ordered_json> Run::measureSteps(int64_t steps) {
  double bytesBefore = getPeakBytes();
  if (Error error = open())
    return error;
  for (int64_t i = 0; i < kWarmupSteps; ++i)
    if (Error error = takeStep())
      return error;
  double bytes = getPeakBytes() - bytesBefore;
  MatrixProducts products;
  int64_t tokens = config.batchSize * config.contextLength;
  products.add(*model, config.batchSize, config.contextLength,
               /*learns=*/true);
  if (teacher)
    products.add(*teacher, config.batchSize, config.contextLength,
                 /*learns=*/false);
  std::vector<double> stepTimes, productTimes;
  for (int64_t i = 0; i < steps; ++i) {
    double begun = now();
    if (Error error = takeStep())
      return error;
    double between = now();
    for (int64_t part = 0; part < config.accumulationSteps; ++part)
      products.compute();
    stepTimes.push_back(between - begun);
    productTimes.push_back(now() - between);
  }
  auto parts = static_cast<double>(config.accumulationSteps);
  double productFlops = parts * products.getFlops();
  double flops = productFlops + parts * products.getAttentionFlops();
  double step = getMedian(stepTimes), product = getMedian(productTimes);
  // Weights, gradients, two means of the gradients, and projections.
  auto weights = static_cast<double>(countWeights());
  double weightBytes = 4 * 4 * weights;
  for (const Parameter &parameter : model->getParameters())
    if (isProjected(parameter, *model))
      weightBytes += 4 * static_cast<double>(parameter.value.numel());
  return ordered_json{
      {"steps", steps},
      {"threads", at::get_num_threads()},
      {"weights", countWeights()},
      {"tokens_per_step", tokensPerStep()},
      {"tokens_per_second", static_cast<double>(tokensPerStep()) / step},
      {"gflop_per_step", flops / 1e9},
      {"gflops", flops / 1e9 / step},
      {"gflops_of_libtorch", productFlops / 1e9 / product},
      {"share", flops / step / (productFlops / product)},
      {"memory_bytes", static_cast<int64_t>(bytes)},
      {"bytes_per_weight", bytes / weights},
      {"weight_bytes_per_weight", weightBytes / weights},
      {"activation_bytes_per_token",
       (bytes - weightBytes) / static_cast<double>(tokens)}};
}

Expected<ordered_json>
sherry::training::measureSteps(const TrainingConfig &config, int64_t steps) {
  TrainingConfig measured = config;
  // Neither records, checkpoints nor the end of the run are due.
  measured.steps = std::max(config.steps, steps + kWarmupSteps + 1);
  measured.logInterval = INT64_MAX;
  measured.diagnosticsInterval = 0;
  return catchExceptions([&] {
    return Run(measured, nulls(), [] { return false; }).measureSteps(steps);
  });
}
