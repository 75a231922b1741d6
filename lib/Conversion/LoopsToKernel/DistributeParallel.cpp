//===- DistributeParallel.cpp - Parallel loops to the threads of a team ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FindTeam.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace sherry {
#define GEN_PASS_DEF_DISTRIBUTEPARALLEL
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The grain of a loop: 1 for long iterations, else 0, so that shares are not
/// cut.
static int64_t getGrain(affine::AffineParallelOp loop) {
  return SherryDialect::OnDemandAttrHelper(loop.getContext())
      .isAttrPresent(loop);
}

static void distribute(affine::AffineParallelOp loop, Value team) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value count =
      affine::expandAffineMap(b, loop.getLoc(), loop.getUpperBoundsMap(),
                              loop.getUpperBoundsOperands())
          ->front();
  auto step = StepOp::create(
      b, team, count, getGrain(loop),
      SherryDialect::StepAttrHelper(loop.getContext()).getAttr(loop));
  b.setInsertionPointToStart(&step.getBody().front());
  auto serial = scf::ForOp::create(b, step.getBegin(), step.getEnd(),
                                   Value(arith::ConstantIndexOp::create(b, 1)));
  loop.getBody()->getTerminator()->erase();
  Block *body = serial.getBody();
  body->getOperations().splice(body->begin(), loop.getBody()->getOperations());
  loop.getIVs().front().replaceAllUsesWith(serial.getInductionVar());
  loop.erase();
}

namespace {
struct DistributeParallelPass
    : sherry::impl::DistributeParallelBase<DistributeParallelPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Value team = findTeam(function);
    SmallVector<affine::AffineParallelOp> loops;
    function.walk(
        [&](affine::AffineParallelOp loop) { loops.push_back(loop); });
    for (affine::AffineParallelOp loop : loops) {
      if (!team) {
        loop.emitOpError("the function has no !sherry.team to divide work "
                         "among");
        return signalPassFailure();
      }
      if (loop.getNumDims() != 1 || loop.getNumResults() != 0 ||
          !loop.getLowerBoundsMap().isSingleConstant() ||
          loop.getLowerBoundsMap().getSingleConstantResult() != 0 ||
          loop.getUpperBoundsMap().getNumResults() != 1 ||
          loop.getSteps().front() != 1 ||
          loop->getParentOfType<affine::AffineParallelOp>()) {
        loop.emitOpError("only outermost loops of the form 0 to n step 1 can "
                         "be divided");
        return signalPassFailure();
      }
      distribute(loop, team);
      ++numDivided;
    }
  }
};
} // namespace
