//===- TritFormat.h - Numbers that are trits already ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_WEIGHTS_TRITFORMAT_H
#define SHERRY_LIB_WEIGHTS_TRITFORMAT_H

#include "TernaryPlan.h"

namespace sherry {

/// The type that holds the trits of a BitNet model and their scales exactly.
/// `checkpoint` is null for random weights.
llvm::Expected<TernaryWeights> chooseBitNet(const TernaryTensors &tensors,
                                            BitNetConfig::Form form,
                                            Checkpoint *checkpoint);

/// The same for tensors of numbers that are trits times scales. Nothing if they
/// are other numbers (for most tensors the first row shows it), or if they are
/// 3:4-sparse and `takesPattern` is false.
llvm::Expected<std::optional<TernaryWeights>>
findTrits(const TernaryTensors &tensors, bool takesPattern,
          Checkpoint &checkpoint);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_TRITFORMAT_H
