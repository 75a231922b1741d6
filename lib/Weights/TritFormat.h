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
/// are not, which the first row tells of most, or are 3:4-sparse unless
/// `takesPattern`.
llvm::Expected<std::optional<TernaryWeights>>
findTrits(const TernaryTensors &tensors, bool takesPattern,
          Checkpoint &checkpoint);

/// Takes the numbers of rows apart into codes[rows][layout.rowGroups(cols)] and
/// scales[rows][layout.rowScales(cols)]. Returns false if the layout is not one
/// of trits without a pattern that holds them exactly.
[[nodiscard]] bool takeTrits(const format::TernaryLayout &layout, int64_t rows,
                             int64_t cols, const float *numbers, uint8_t *codes,
                             float *scales);

} // namespace sherry

#endif // SHERRY_LIB_WEIGHTS_TRITFORMAT_H
