//===- JamParallel.cpp - Inner parallel loops, several iterations at a time ==//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IterationCopies.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Conversion/SherryToLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sherry {
#define GEN_PASS_DEF_JAMPARALLEL
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct JamParallelPass : sherry::impl::JamParallelBase<JamParallelPass> {
  void runOnOperation() override;

private:
  void jam(affine::AffineParallelOp loop, int64_t count);
};
} // namespace

void JamParallelPass::jam(affine::AffineParallelOp loop, int64_t count) {
  int64_t together =
      IterationCopies::canCopy(*loop.getBody()) ? getHeadsTogether(count) : 1;
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  auto serial = affine::AffineForOp::create(b, loc, 0, count, together);
  b.setInsertionPointToStart(serial.getBody());
  SmallVector<Value> iterations{serial.getInductionVar()};
  for (int64_t i = 1; i < together; ++i)
    iterations.push_back(affine::AffineApplyOp::create(
        b, loc, AffineMap::get(1, 0, b.getAffineDimExpr(0) + i),
        serial.getInductionVar()));
  IterationCopies(*loop.getBody(), iterations).copyAll(b);
  loop.erase();
  ++numJammed;
}

void JamParallelPass::runOnOperation() {
  SmallVector<affine::AffineParallelOp> loops;
  getOperation()->walk([&](affine::AffineParallelOp loop) {
    if (loop->getParentOfType<affine::AffineParallelOp>() &&
        loop.getNumDims() == 1 && loop.getNumResults() == 0 &&
        loop.getSteps().front() == 1 &&
        loop.getLowerBoundsMap().isSingleConstant() &&
        loop.getLowerBoundsMap().getSingleConstantResult() == 0 &&
        loop.getUpperBoundsMap().isSingleConstant())
      loops.push_back(loop);
  });
  for (affine::AffineParallelOp loop : loops)
    jam(loop, loop.getUpperBoundsMap().getSingleConstantResult());
}
