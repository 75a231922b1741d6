//===- WeightsWriter.h - Stream packed weights ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTSWRITER_H
#define SHERRY_WEIGHTS_WEIGHTSWRITER_H

#include "sherry/Weights/WeightMatrix.h"
#include "sherry/Weights/WeightType.h"

#include "llvm/Support/raw_ostream.h"

namespace sherry {

/// A matrix and its offset in the weights section.
struct PlacedMatrix {
  WeightMatrix matrix;
  WeightType type;
  uint64_t offset;
};

/// Writes matrices with ascending offsets, and zeros between and after them up
/// to `size` bytes. Holds only a few tiles in memory. Calls `progress` with the
/// number of bytes written so far.
llvm::Error writeWeights(llvm::ArrayRef<PlacedMatrix> matrices, uint64_t size,
                         const WeightSource &source, llvm::raw_ostream &out,
                         llvm::function_ref<void(uint64_t)> progress);

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTSWRITER_H
