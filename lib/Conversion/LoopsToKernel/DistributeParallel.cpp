//===- DistributeParallel.cpp - Parallel loops to the threads of a team ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Division.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

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

namespace {
/// A loop under distribution.
class Distribution {
public:
  Distribution(affine::AffineParallelOp loop, Value team)
      : loop(loop), team(team), b(loop.getLoc(), loop),
        size(affine::expandAffineMap(b, loop.getLoc(), loop.getUpperBoundsMap(),
                                     loop.getUpperBoundsOperands())
                 ->front()),
        one(arith::ConstantIndexOp::create(b, 1)) {}

  /// Erases the loop.
  void run();

private:
  void emitShare();
  void emitOnDemand(BarrierOp previous);
  /// Moves the body of the loop to the end of `block`.
  void moveBody(Block *block, Value iteration);

  affine::AffineParallelOp loop;
  Value team;
  ImplicitLocOpBuilder b;
  Value size, one;
};
} // namespace

void Distribution::moveBody(Block *block, Value iteration) {
  loop.getBody()->getTerminator()->erase();
  block->getOperations().splice(block->end(), loop.getBody()->getOperations());
  loop.getIVs().front().replaceAllUsesWith(iteration);
}

void Distribution::emitShare() {
  auto [begin, end] = divideEqually(b, team, size);
  auto serial = scf::ForOp::create(b, begin, end, one);
  serial.getBody()->getTerminator()->erase();
  moveBody(serial.getBody(), serial.getInductionVar());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(serial.getBody());
  scf::YieldOp::create(b);
}

/// The last quarter of the iterations is taken one by one, from a counter.
void Distribution::emitOnDemand(BarrierOp previous) {
  Value zero = arith::ConstantIndexOp::create(b, 0), counter;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(
        &loop->getParentOfType<func::FuncOp>().getFunctionBody().front());
    counter = memref::AllocOp::create(b, MemRefType::get({1}, b.getI64Type()));
    // No thread is in this loop before that barrier, and all have left its
    // last execution, which ended with another one.
    b.setInsertionPoint(previous);
    Value at = arith::ConstantIndexOp::create(b, 0);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                          Value(ThreadOp::create(b, team)), at);
    auto reset = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    b.setInsertionPointToStart(reset.thenBlock());
    memref::StoreOp::create(b, arith::ConstantIntOp::create(b, 0, 64), counter,
                            at);
  }
  Value divided = arith::SubIOp::create(
      b, size,
      Value(arith::DivUIOp::create(
          b, size, Value(arith::ConstantIndexOp::create(b, 4)))));
  auto [begin, end] = divideEqually(b, team, divided);
  auto whileOp =
      scf::WhileOp::create(b, TypeRange{b.getIndexType()}, ValueRange{begin});
  OpBuilder::InsertionGuard guard(b);
  Block *before =
      b.createBlock(&whileOp.getBefore(), {}, b.getIndexType(), loop.getLoc());
  Value candidate = before->getArgument(0);
  Value isMine =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, candidate, end);
  auto choice = scf::IfOp::create(b, TypeRange{b.getIndexType()}, isMine,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, candidate);
    b.setInsertionPointToStart(choice.elseBlock());
    Value taken = memref::AtomicRMWOp::create(
        b, arith::AtomicRMWKind::addi,
        Value(arith::ConstantIntOp::create(b, 1, 64)), counter, zero);
    taken = arith::IndexCastUIOp::create(b, b.getIndexType(), taken);
    scf::YieldOp::create(b, Value(arith::AddIOp::create(b, divided, taken)));
  }
  Value iteration = choice.getResult(0);
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, iteration, size);
  scf::ConditionOp::create(b, exists, iteration);
  Block *after =
      b.createBlock(&whileOp.getAfter(), {}, b.getIndexType(), loop.getLoc());
  moveBody(after, after->getArgument(0));
  b.setInsertionPointToEnd(after);
  scf::YieldOp::create(
      b, Value(arith::AddIOp::create(b, after->getArgument(0), one)));
}

/// The last barrier before `op` in its block.
static BarrierOp findBarrierBefore(Operation *op) {
  while ((op = op->getPrevNode()))
    if (auto barrier = dyn_cast<BarrierOp>(op))
      return barrier;
  return nullptr;
}

void Distribution::run() {
  BarrierOp previous = findBarrierBefore(loop);
  if (SherryDialect::OnDemandAttrHelper(loop.getContext())
          .isAttrPresent(loop) &&
      previous)
    emitOnDemand(previous);
  else
    emitShare();
  BarrierOp::create(
      b, team, SherryDialect::StepAttrHelper(loop.getContext()).getAttr(loop));
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
      Distribution(loop, team).run();
    }
  }
};
} // namespace
