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

/// A loop over tokens with sums over weights. A sum is a loop, which may have
/// inner loops that carry its values.
struct TokenLoop {
  mlir::affine::AffineForOp loop;
  llvm::SmallVector<mlir::affine::AffineForOp> sums; ///< in its body

  /// `loop` if it is a loop from a constant to a number of tokens, in which no
  /// token reads values that another writes.
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

/// The ops that fill a panel, and the loop that multiplies it with the tokens.
struct PanelProduct {
  llvm::SmallVector<UnpackStep> steps;
  TokenLoop tokens;

  mlir::Value getPanel() { return steps.front().write.getBase(); }
};

/// All products of a function: integer sums over whole panels for all tokens,
/// if every other reader of a panel fills it first.
llvm::SmallVector<PanelProduct> findPanelProducts(mlir::Operation *function);

/// Copies of the body of a loop over tokens for several tokens.
class TokenCopies : public IterationCopies {
public:
  /// With conditions `exists` on the number of tokens, token i exists only if
  /// the i-th condition holds. Buffers of the function also have rows for
  /// missing tokens; writes to other memory are then conditional.
  TokenCopies(TokenLoop tokens, mlir::ValueRange rows,
              llvm::ArrayRef<mlir::IntegerSet> exists = {})
      : IterationCopies(*tokens.loop.getBody(), rows), tokens(tokens),
        exists(exists) {}

  // For loops with one sum:

  /// Copies the ops before the sum, or after it, to `b`.
  void copyBefore(mlir::OpBuilder &b);
  void copyAfter(mlir::OpBuilder &b);
  /// The start values of the sum, token by token.
  llvm::SmallVector<mlir::Value> getStarts() {
    return lookUp(tokens.sums.front().getInits());
  }
  /// Makes `values` the results of the sum.
  void setSums(mlir::ValueRange values) {
    map(tokens.sums.front().getResults(), values);
  }
  /// Copies the body of the sum for `group`; returns the values that it carries
  /// on. `replacements` maps values of the body to others.
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

/// Whether a buffer belongs to the function itself, so that it has rows for
/// whole blocks of tokens.
bool hasWholeBlocks(mlir::Value buffer);

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_TOKENLOOPS_H
