//===- IterationCopies.h - Several iterations of a loop in one --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unroll-and-jam of independent iterations, with inner loops that carry values.
// Upstream's affine::loopUnrollJamByFactor takes only affine loops, and also
// copies ops that do not depend on the iteration.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H
#define LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/DenseSet.h"

namespace sherry {

/// Whether `op` has no effect except reading or prefetching memory.
bool onlyReads(mlir::Operation *op);

/// Copies of the body of a loop for several iterations. Ops that do not depend
/// on the iteration are copied once, other ops once per iteration, and loops
/// once, with their carried values for each iteration.
class IterationCopies {
public:
  /// Copies for iterations in which the first argument of `body` is one of
  /// `variables`.
  IterationCopies(mlir::Block &body, mlir::ValueRange variables);
  virtual ~IterationCopies() = default;

  /// Whether the loops in a body can be copied: they are affine.for or scf.for,
  /// and have the same number of rounds in all iterations.
  static bool canCopy(mlir::Block &body);

  /// Copies the whole body to `b`.
  void copyAll(mlir::OpBuilder &b) { copy(b, body.without_terminator()); }

protected:
  using Ops = llvm::iterator_range<mlir::Block::iterator>;
  using Values = llvm::SmallVector<mlir::Value>;

  virtual void copyFor(mlir::OpBuilder &b, mlir::Operation *op,
                       size_t iteration) {
    b.clone(*op, maps[iteration]);
  }
  /// Copies `ops`, except those whose results are replaced.
  void copy(mlir::OpBuilder &b, Ops ops,
            const mlir::IRMapping &replacements = {});
  /// Copies the body of an inner loop for its variable `round`; returns the
  /// values that the loop carries on.
  Values copyRound(mlir::OpBuilder &b, mlir::LoopLikeOpInterface loop,
                   mlir::Value round, mlir::ValueRange carried,
                   const mlir::IRMapping &replacements);

  /// The copies of `values` for the first iteration, the second, ...
  Values lookUp(mlir::ValueRange values);
  void map(mlir::ValueRange from, mlir::ValueRange to);

private:
  void copyLoop(mlir::OpBuilder &b, mlir::LoopLikeOpInterface loop);
  bool dependsOnIteration(mlir::Operation *op);

  mlir::Block &body;
  llvm::SmallVector<mlir::IRMapping> maps; ///< one per iteration
  llvm::DenseSet<mlir::Value> dependent;   ///< on the iteration
};

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H
