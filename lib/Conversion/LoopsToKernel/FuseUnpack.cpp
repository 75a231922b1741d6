//===- FuseUnpack.cpp - The first tokens while codes are unpacked ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenLoops.h"
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IntegerSet.h"

namespace sherry {
#define GEN_PASS_DEF_FUSEUNPACK
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct FuseUnpackPass : sherry::impl::FuseUnpackBase<FuseUnpackPass> {
  void runOnOperation() override;

private:
  void fuse(PanelProduct product);
  void emitFirst(OpBuilder &b, PanelProduct product, int64_t size,
                 bool keepPanel);
};
} // namespace

/// Emits the sums of the first `size` tokens, with trits in registers.
void FuseUnpackPass::emitFirst(OpBuilder &b, PanelProduct product, int64_t size,
                               bool keepPanel) {
  TokenLoop tokens = product.tokens;
  Location loc = tokens.loop.getLoc();
  SmallVector<Value> rows;
  for (int64_t row = 0; row < size; ++row)
    rows.push_back(arith::ConstantIndexOp::create(b, loc, row));
  TokenCopies copies(tokens, rows);
  copies.copyBefore(b);
  SmallVector<Value> sums = copies.getStarts();
  // At least eight sums at a time, so that they do not wait for each other. The
  // additional sums start with zeros; integers can be added in any order.
  size_t perChain = sums.size(), chains = perChain < 8 ? 2 : 1;
  auto type = cast<VectorType>(sums.front().getType());
  Value zero;
  if (chains > 1)
    zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  sums.append((chains - 1) * perChain, zero);

  auto emitStep = [&](UnpackStep step, IRMapping map,
                      SmallVector<Value> carried) {
    // All ops that the step's trits need.
    SmallVector<Operation *> ops{step.unpack};
    if (step.loop) {
      ops.clear();
      for (Operation &op : step.loop.getBody()->without_terminator())
        ops.push_back(&op);
      ops.pop_back();
    }
    for (Operation *op : ops)
      b.clone(*op, map);
    if (keepPanel)
      b.clone(*step.write, map);
    Value unpacked = map.lookup(step.unpack.getResult());
    Value first = map.lookupOrDefault(Value(step.write.getIndices().front()));
    for (int64_t four = 0; four < step.unpack.getFours(); ++four) {
      IRMapping trits;
      Value number = affine::makeComposedAffineApply(
          b, loc, b.getAffineDimExpr(0) + four, {first});
      for (auto load : tokens.sums.front()
                           .getBody()
                           ->getOps<affine::AffineVectorLoadOp>()) {
        if (load.getMemRef() != product.getPanel())
          continue;
        auto half = cast<AffineConstantExpr>(load.getAffineMap().getResult(1));
        trits.map(
            load.getResult(),
            Value(vector::ExtractOp::create(
                b, loc, unpacked, ArrayRef<int64_t>{four, half.getValue()})));
      }
      size_t begin = four % chains * perChain;
      SmallVector<Value> next = copies.copyGroup(
          b, number, ArrayRef(carried).slice(begin, perChain), trits);
      llvm::copy(next, carried.begin() + begin);
    }
    return carried;
  };
  for (UnpackStep step : product.steps) {
    if (!step.loop) {
      sums = emitStep(step, IRMapping(), sums);
      continue;
    }
    affine::AffineForOp steps = step.loop;
    auto loop = affine::AffineForOp::create(
        b, loc, steps.getLowerBoundOperands(), steps.getLowerBoundMap(),
        steps.getUpperBoundOperands(), steps.getUpperBoundMap(),
        steps.getStepAsInt(), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    IRMapping map;
    map.map(steps.getInductionVar(), loop.getInductionVar());
    SmallVector<Value> next =
        emitStep(step, map, SmallVector<Value>(loop.getRegionIterArgs()));
    affine::AffineYieldOp::create(b, loc, next);
    sums.assign(loop.result_begin(), loop.result_end());
  }
  for (size_t chain = 1; chain < chains; ++chain)
    for (size_t i = 0; i < perChain; ++i)
      sums[i] =
          arith::AddIOp::create(b, loc, sums[i], sums[chain * perChain + i]);
  sums.resize(perChain);
  copies.setSums(sums);
  copies.copyAfter(b);
}

void FuseUnpackPass::fuse(PanelProduct product) {
  TokenLoop tokens = product.tokens;
  Location loc = tokens.loop.getLoc();
  OpBuilder b(tokens.loop);
  Value count = tokens.getCount();
  AffineExpr symbol = b.getAffineSymbolExpr(0);
  bool isWhole = getSchedule(getOperation()->getParentOfType<ModuleOp>())
                     .getMultiplyPanels();
  for (int64_t size : {2, 4}) {
    auto isEnough = affine::AffineIfOp::create(
        b, loc, IntegerSet::get(0, 1, {-symbol + size}, {false}), count,
        /*withElseRegion=*/true);
    b.setInsertionPointToStart(isEnough.getThenBlock());
    emitFirst(b, product, size, /*keepPanel=*/false);
    b.setInsertionPointToStart(isEnough.getElseBlock());
  }
  Operation *end = b.getInsertionBlock()->getTerminator();
  if (isWhole) {
    for (UnpackStep step : product.steps) {
      if (step.loop) {
        step.loop->moveBefore(end);
        continue;
      }
      step.unpack->moveBefore(end);
      step.write->moveBefore(end);
    }
  } else {
    b.setInsertionPoint(end);
    emitFirst(b, product, kTokenBlock, /*keepPanel=*/true);
    for (UnpackStep step : product.steps) {
      step.write->erase();
      if (step.loop)
        step.loop->erase();
    }
    tokens.loop.setConstantLowerBound(kTokenBlock);
  }
  tokens.loop->moveBefore(end);
  ++numFused;
}

void FuseUnpackPass::runOnOperation() {
  ScheduleAttr schedule =
      getSchedule(getOperation()->getParentOfType<ModuleOp>());
  if (!schedule.getFuseUnpack())
    return;
  for (PanelProduct product : findPanelProducts(getOperation()))
    fuse(product);
}
