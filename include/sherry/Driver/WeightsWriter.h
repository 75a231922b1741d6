//===- WeightsWriter.h - Stream packed weights ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DRIVER_WEIGHTSWRITER_H
#define SHERRY_DRIVER_WEIGHTSWRITER_H

#include "mlir/IR/BuiltinOps.h"
#include "sherry/Import/Checkpoint.h"

#include <optional>

namespace sherry {

/// Where the values of weights come from: a checkpoint, or a random number
/// generator that needs none.
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
  std::optional<format::Storage> getStorage(llvm::StringRef tensor) const;
  /// Copies rows as they are stored.
  void copyRows(llvm::StringRef tensor, int64_t row, int64_t count,
                uint8_t *out) const;

private:
  Checkpoint *checkpoint = nullptr;
  uint64_t seed = 0;
  llvm::StringMap<TensorView> tensors;
};

/// Checks that the source has every tensor that the weights of `module` name.
llvm::Error checkWeights(mlir::ModuleOp module, WeightSource &source);

/// Writes the weights of `module` at their places, which ascend, in order: the
/// weights section up to `sherry.weights_size`. Holds no more than a few tiles
/// in memory. `progress` is told the bytes written so far.
llvm::Error writeWeights(mlir::ModuleOp module, const WeightSource &source,
                         llvm::raw_ostream &out,
                         llvm::function_ref<void(uint64_t)> progress);

} // namespace sherry

#endif // SHERRY_DRIVER_WEIGHTSWRITER_H
