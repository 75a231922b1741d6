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

/// A checkpoint, or a random number generator that needs none.
class WeightSource {
public:
  explicit WeightSource(Checkpoint *checkpoint) : checkpoint(checkpoint) {}
  explicit WeightSource(uint64_t seed) : seed(seed) {}

  /// Fails if the tensor is missing or has another shape.
  llvm::Error check(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape);

  /// Writes rows [row, row + count) as f32[count][cols] to `out`. Random
  /// matrices are uniform with variance 1 / cols, vectors are all one; a value
  /// depends on the seed, the tensor's name and its place only. May be called
  /// from several threads once all tensors have been checked.
  llvm::Error readRows(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape,
                       int64_t row, int64_t count, float *out) const;

  /// How a tensor that has been checked is stored; nothing if it is random.
  std::optional<format::TensorType> getTensorType(llvm::StringRef tensor) const;
  /// A number by which its stored numbers count, see TensorView::setFactor.
  float getFactor(llvm::StringRef tensor) const;
  /// Copies rows as they are stored.
  void copyRows(llvm::StringRef tensor, int64_t row, int64_t count,
                uint8_t *out) const;

private:
  Checkpoint *checkpoint = nullptr;
  uint64_t seed = 0;
  llvm::StringMap<TensorView> tensors;
};

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTSOURCE_H
