//===- IterationCopies.h - Several iterations of a loop in one --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unroll-and-jam of independent iterations, with the loops inside that carry
// values. Upstream's affine::loopUnrollJamByFactor takes affine loops alone,
// and copies what does not depend on the iteration, too.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H
#define LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/DenseSet.h"

namespace sherry {

/// Whether `op` has no effect but reading memory, or asking for it.
bool onlyReads(mlir::Operation *op);

/// Copies of the body of a loop for several iterations: ops that do not depend
/// on the iteration once, runs of others iteration by iteration, loops once
/// with what they carry for each of them.
class IterationCopies {
public:
  /// For iterations in which the first argument of `body` is one of
  /// `variables`.
  IterationCopies(mlir::Block &body, mlir::ValueRange variables);
  virtual ~IterationCopies() = default;

  /// Whether the loops in a body can be copied: they are affine.for or scf.for,
  /// and all iterations go through them equally often.
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
  /// What is replaced is not copied.
  void copy(mlir::OpBuilder &b, Ops ops,
            const mlir::IRMapping &replacements = {});
  /// Copies the body of an inner loop for its variable `round`; returns what is
  /// carried on.
  Values copyRound(mlir::OpBuilder &b, mlir::LoopLikeOpInterface loop,
                   mlir::Value round, mlir::ValueRange carried,
                   const mlir::IRMapping &replacements);

  /// What `values` of the body are in the first iteration, the second ...
  Values lookUp(mlir::ValueRange values);
  void map(mlir::ValueRange from, mlir::ValueRange to);

private:
  void copyLoop(mlir::OpBuilder &b, mlir::LoopLikeOpInterface loop);
  bool dependsOnIteration(mlir::Operation *op);

  mlir::Block &body;
  llvm::SmallVector<mlir::IRMapping> maps; ///< of each iteration
  llvm::DenseSet<mlir::Value> dependent;   ///< values of the body
};

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_ITERATIONCOPIES_H
