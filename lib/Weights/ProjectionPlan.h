//===- ProjectionPlan.h - How numbers become trits --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H
#define SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H

#include "sherry/Weights/WeightPlan.h"

namespace sherry {

/// Whether the options determine how numbers become trits.
bool saysProjection(const WeightOptions &options);

/// The type of projected numbers by the options and, where they are unset, by
/// the model's configuration.
llvm::Expected<TernaryWeights> chooseProjection(const WeightOptions &options,
                                                const ModelConfig &config,
                                                bool isRandom);

/// Whether `type` is the type of projected numbers.
bool isProjection(const WeightType &type, const TernaryWeights &projection);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_PROJECTIONPLAN_H
