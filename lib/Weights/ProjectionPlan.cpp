//===- ProjectionPlan.cpp - How numbers become trits ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ProjectionPlan.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

using namespace llvm;
using namespace sherry;
using format::Granularity;

bool sherry::saysProjection(const WeightOptions &options) {
  return options.granularity || options.groupSize || options.scaleType ||
         options.codebook || options.isStrided;
}

bool sherry::isProjection(const WeightType &type,
                          const TernaryWeights &projection) {
  const TernaryWeights *ternary = getTernary(type);
  if (!ternary)
    return false;
  const format::TernaryLayout &a = ternary->layout, &b = projection.layout;
  return a.codebook == b.codebook && a.granularity == b.granularity &&
         (a.granularity != Granularity::PerGroup ||
          a.groupSize == b.groupSize) &&
         a.scaleType == b.scaleType &&
         ternary->isStrided == projection.isStrided;
}

static const format::Codebook &chooseCodebook(const WeightOptions &options,
                                              const ModelConfig &config) {
  if (options.codebook)
    return *options.codebook;
  return config.quantization ? *config.quantization->codebook : format::k3of4;
}

static Error chooseGranularity(const WeightOptions &options,
                               const ModelConfig &config,
                               format::TernaryLayout &layout) {
  if (config.quantization) {
    layout.granularity = config.quantization->granularity;
    if (layout.granularity == Granularity::PerGroup)
      layout.groupSize = config.quantization->groupSize;
  }
  if (options.granularity)
    layout.granularity = *options.granularity;
  if (!options.groupSize)
    return Error::success();
  if (layout.granularity != Granularity::PerGroup)
    return makeError(Problem::UnusedGroupSize,
                     "a group size needs the granularity per_group");
  if (*options.groupSize <= 0 || *options.groupSize > kMaxSize ||
      *options.groupSize % format::kDotInputs != 0)
    return makeError("the group size is " + Twine(*options.groupSize) +
                     "; it must be a multiple of 4 in 4.." + Twine(kMaxSize));
  layout.groupSize = *options.groupSize;
  return Error::success();
}

/// Whether weights of these sizes can have strided groups.
static bool canBeStrided(const ModelConfig &config,
                         const format::TernaryLayout &layout) {
  bool result = layout.granularity != Granularity::PerGroup ||
                layout.groupSize % format::kStridedInputs == 0;
  for (const LinearLayer &layer : listLinearLayers(config))
    result &= layer.inputs % format::kStridedInputs == 0;
  return result;
}

Expected<TernaryWeights> sherry::chooseProjection(const WeightOptions &options,
                                                  const ModelConfig &config,
                                                  bool isRandom) {
  TernaryWeights result;
  result.layout.codebook = &chooseCodebook(options, config);
  result.layout.scaleType = options.scaleType.value_or(format::ScaleType::F16);
  if (Error error = chooseGranularity(options, config, result.layout))
    return error;
  if (!options.isStrided)
    return result;
  if (!isRandom)
    return makeError("strided groups need random weights; the weights of a "
                     "model have groups already");
  if (!canBeStrided(config, result.layout))
    return makeError("strided groups need sizes and groups of a scale that are "
                     "multiples of 64");
  const format::Codebook &codebook = *result.layout.codebook;
  if (codebook.inputs != format::kDotInputs)
    return makeError("strided groups have four inputs, those of the codebook " +
                     Twine(StringRef(codebook.name)) + " " +
                     Twine(codebook.inputs));
  result.isStrided = true;
  return result;
}
