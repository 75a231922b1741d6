//===- ProjectionPlan.h - How numbers become trits --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H
#define SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H

#include "sherry/Weights/WeightPlan.h"

namespace sherry {

/// Whether an option says how numbers become trits.
bool saysProjection(const WeightOptions &options);

/// What numbers become by the options and, where they are silent, by the
/// model's configuration.
llvm::Expected<TernaryWeights> chooseProjection(const WeightOptions &options,
                                                const ModelConfig &config,
                                                bool isRandom);

/// Whether weights are what numbers become.
bool isProjection(const WeightType &type, const TernaryWeights &projection);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H
