//===- TernaryPlan.h - How trits of a checkpoint are packed -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_WEIGHTS_TERNARYPLAN_H
#define SHERRY_LIB_WEIGHTS_TERNARYPLAN_H

#include "sherry/Import/Checkpoint.h"
#include "sherry/Weights/WeightType.h"

#include "llvm/ADT/SetVector.h"

namespace sherry {

using TensorTypes = llvm::SetVector<format::TensorType>;

/// Tensors of ternary types that are packed in the same way.
struct TernaryTensors {
  std::vector<std::string> names;
  llvm::SmallVector<int64_t, 2> shape;
  TensorTypes types;
};

/// Candidates for the number of inputs that share a scale, a whole row first.
inline constexpr int64_t kScaleInputs[] = {INT64_MAX, format::kMaxStoredInputs,
                                           format::kMaxStoredInputs / 2,
                                           format::kMaxStoredInputs / 4};

/// Whether f16 holds a scale exactly.
bool fitsF16(float scale);

/// The type of trits without a pattern, in rows of `cols` inputs, with one
/// scale per `inputs` inputs.
TernaryWeights makeDense(int64_t inputs, int64_t cols, bool scalesFitF16);

/// The type of trits without a pattern that holds the scales of these tensors.
llvm::Expected<TernaryWeights> chooseDense(const TernaryTensors &tensors,
                                           Checkpoint &checkpoint);

/// The type of these tensors: 3:4 if every group has exactly one zero, else
/// dense.
llvm::Expected<TernaryWeights> chooseTernary(const TernaryTensors &tensors,
                                             Checkpoint &checkpoint);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_TERNARYPLAN_H
