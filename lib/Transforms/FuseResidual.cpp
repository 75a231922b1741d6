//===- FuseResidual.cpp - Residuals added where outputs are stored --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace sherry {
#define GEN_PASS_DEF_FUSERESIDUAL
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct FuseResidualPass : sherry::impl::FuseResidualBase<FuseResidualPass> {
  void runOnOperation() override {
    SmallVector<arith::AddFOp> additions;
    getOperation().walk([&](arith::AddFOp op) { additions.push_back(op); });
    for (arith::AddFOp op : additions)
      if (!fuse(op, op.getLhs(), op.getRhs()))
        fuse(op, op.getRhs(), op.getLhs());
  }

  bool fuse(arith::AddFOp op, Value residual, Value product) {
    auto linear = product.getDefiningOp<LinearOp>();
    if (!linear || linear.getResidual() || !linear->hasOneUse() ||
        linear->getBlock() != op->getBlock())
      return false;
    ++numFused;
    // The other operand may be defined after the linear op.
    linear->moveBefore(op);
    linear.getResidualMutable().assign(residual);
    op.replaceAllUsesWith(product);
    op.erase();
    return true;
  }
};
} // namespace
