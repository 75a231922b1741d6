//===- WeightSource.h - Where the values of weights come from ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTSOURCE_H
#define SHERRY_WEIGHTS_WEIGHTSOURCE_H

#include "sherry/Import/Checkpoint.h"

#include "llvm/ADT/StringMap.h"

#include <optional>

namespace sherry {

/// A checkpoint, or a random number generator instead of one.
class WeightSource {
public:
  explicit WeightSource(Checkpoint *checkpoint) : checkpoint(checkpoint) {}
  explicit WeightSource(uint64_t seed) : seed(seed) {}

  /// Fails if the tensor is missing or has another shape.
  llvm::Error check(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape);

  /// Writes rows [row, row + count) as f32[count][cols] to `out`. Random
  /// matrices are uniform with variance 1 / cols, vectors are all one; a value
  /// depends only on the seed, the tensor's name and the position in the
  /// tensor. Several threads may call it after all tensors have been checked.
  llvm::Error readRows(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape,
                       int64_t row, int64_t count, float *out) const;

  /// The type of a checked tensor in the checkpoint; nothing if it is random.
  std::optional<format::TensorType> getTensorType(llvm::StringRef tensor) const;
  /// The factor of the stored numbers, see TensorView::setFactor.
  float getFactor(llvm::StringRef tensor) const;
  /// Copies the stored bytes of rows.
  void copyRows(llvm::StringRef tensor, int64_t row, int64_t count,
                uint8_t *out) const;

private:
  Checkpoint *checkpoint = nullptr;
  uint64_t seed = 0;
  llvm::StringMap<TensorView> tensors;
};

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTSOURCE_H
