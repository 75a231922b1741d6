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

/// Tensors of ternary types that are packed in one way.
struct TernaryTensors {
  std::vector<std::string> names;
  llvm::SmallVector<int64_t, 2> shape;
  TensorTypes types;
};

/// How many inputs may share a scale, most first: those of a row, or some.
inline constexpr int64_t kScaleInputs[] = {INT64_MAX, format::kMaxStoredInputs,
                                           format::kMaxStoredInputs / 2,
                                           format::kMaxStoredInputs / 4};

/// Whether f16 holds a scale as it is.
bool fitsF16(float scale);

/// Trits without a pattern with a scale for `inputs` of rows of `cols`.
TernaryWeights makeDense(int64_t inputs, int64_t cols, bool scalesFitF16);

/// Trits without a pattern, with the scales of such tensors.
llvm::Expected<TernaryWeights> chooseDense(const TernaryTensors &tensors,
                                           Checkpoint &checkpoint);

/// 3:4-sparse if every group of such tensors has exactly one zero, else dense.
llvm::Expected<TernaryWeights> chooseTernary(const TernaryTensors &tensors,
                                             Checkpoint &checkpoint);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_TERNARYPLAN_H
