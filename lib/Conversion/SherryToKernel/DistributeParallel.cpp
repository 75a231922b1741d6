//===- DistributeParallel.cpp - scf.parallel to the threads of a team -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace sherry {
#define GEN_PASS_DEF_DISTRIBUTEPARALLEL
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

static void distribute(scf::ParallelOp loop, Value team) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value size = loop.getUpperBound().front();
  Value thread = ThreadOp::create(b, team);
  Value threads = NumThreadsOp::create(b, team);
  auto bound = [&](Value number) -> Value {
    return arith::DivUIOp::create(
        b, Value(arith::MulIOp::create(b, number, size)), threads);
  };
  Value one = loop.getStep().front();
  Value begin = bound(thread);
  Value end = bound(arith::AddIOp::create(b, thread, one));
  auto serial = scf::ForOp::create(b, begin, end, one);
  serial.getBody()->getTerminator()->erase();
  loop.getBody()->getTerminator()->erase();
  Block *body = serial.getBody();
  body->getOperations().splice(body->end(), loop.getBody()->getOperations());
  loop.getInductionVars().front().replaceAllUsesWith(serial.getInductionVar());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(body);
    scf::YieldOp::create(b);
  }
  BarrierOp::create(b, team,
                    loop->getAttrOfType<DictionaryAttr>("sherry.step"));
  loop.erase();
}

namespace {
struct DistributeParallelPass
    : sherry::impl::DistributeParallelBase<DistributeParallelPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    auto teams =
        llvm::make_filter_range(function.getArguments(), [](Value arg) {
          return isa<TeamType>(arg.getType());
        });
    SmallVector<scf::ParallelOp> loops;
    function.walk([&](scf::ParallelOp loop) { loops.push_back(loop); });
    for (scf::ParallelOp loop : loops) {
      if (teams.empty()) {
        loop.emitOpError("the function has no !sherry.team to divide work "
                         "among");
        return signalPassFailure();
      }
      if (loop.getNumLoops() != 1 || loop.getNumResults() != 0 ||
          !isConstantIntValue(loop.getLowerBound().front(), 0) ||
          !isConstantIntValue(loop.getStep().front(), 1) ||
          loop->getParentOfType<scf::ParallelOp>()) {
        loop.emitOpError("only outermost loops of the form 0 to n step 1 can "
                         "be divided");
        return signalPassFailure();
      }
      distribute(loop, *teams.begin());
    }
  }
};
} // namespace
