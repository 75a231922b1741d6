//===- TokenLoops.h - Loops over the tokens of a panel ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products with several tokens, as sherry-convert-to-loops writes them:
//
//   affine.for %row = 0 to %count {
//     %sums = affine.for %group = ... iter_args(...) { panel, values, dots }
//     ... scale, add to the totals of the row
//   }
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_TOKENLOOPS_H
#define LIB_CONVERSION_LOOPSTOKERNEL_TOKENLOOPS_H

#include "IterationCopies.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IntegerSet.h"
#include "sherry/Conversion/SherryToLoops.h"

namespace sherry {

/// A loop over tokens with sums over weights, which may have loops in them that
/// carry their values on.
struct TokenLoop {
  mlir::affine::AffineForOp loop;
  llvm::SmallVector<mlir::affine::AffineForOp> sums; ///< in its body

  /// `loop` if it is one: from a constant to a number of tokens, none of which
  /// reads what another writes.
  static std::optional<TokenLoop> get(mlir::affine::AffineForOp loop);

  mlir::Value getCount() { return loop.getUpperBoundOperands().front(); }
  int64_t getBegin() { return loop.getConstantLowerBound(); }
};

/// Codes that are unpacked into a panel.
struct UnpackStep {
  mlir::affine::AffineForOp loop; ///< over steps; null for the last one
  UnpackCodesOp unpack;
  mlir::vector::TransferWriteOp write;
};

/// What fills a panel, and the loop that multiplies it with the tokens.
struct PanelProduct {
  llvm::SmallVector<UnpackStep> steps;
  TokenLoop tokens;

  mlir::Value getPanel() { return steps.front().write.getBase(); }
};

/// All of a function: integer sums over whole panels for all tokens, where
/// whoever else reads a panel fills it before.
llvm::SmallVector<PanelProduct> findPanelProducts(mlir::Operation *function);

/// Copies of the body of a loop over tokens for several of them.
class TokenCopies : public IterationCopies {
public:
  /// Tokens may not exist if there are conditions on their number, `exists`.
  /// Buffers of the function have rows for them; what is written elsewhere is
  /// written where the i-th condition holds.
  TokenCopies(TokenLoop tokens, mlir::ValueRange rows,
              llvm::ArrayRef<mlir::IntegerSet> exists = {})
      : IterationCopies(*tokens.loop.getBody(), rows), tokens(tokens),
        exists(exists) {}

  // With one sum:

  /// Copies the ops before it, or behind it, to `b`.
  void copyBefore(mlir::OpBuilder &b);
  void copyAfter(mlir::OpBuilder &b);
  /// What it starts with, token by token.
  llvm::SmallVector<mlir::Value> getStarts() {
    return lookUp(tokens.sums.front().getInits());
  }
  /// Makes `values` its results.
  void setSums(mlir::ValueRange values) {
    map(tokens.sums.front().getResults(), values);
  }
  /// Copies its body for `group`; returns what is carried on. `replacements`
  /// maps values of the body to others.
  llvm::SmallVector<mlir::Value>
  copyGroup(mlir::OpBuilder &b, mlir::Value group, mlir::ValueRange carried,
            const mlir::IRMapping &replacements) {
    return copyRound(b, tokens.sums.front(), group, carried, replacements);
  }

private:
  void copyFor(mlir::OpBuilder &b, mlir::Operation *op, size_t token) override;

  TokenLoop tokens;
  llvm::SmallVector<mlir::IntegerSet> exists;
};

/// Whether a buffer is one of the function itself, with rows for whole blocks
/// of tokens.
bool hasWholeBlocks(mlir::Value buffer);

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_TOKENLOOPS_H
