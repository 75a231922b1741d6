//===- IterationCopies.cpp - Several iterations of a loop in one ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IterationCopies.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace sherry;

bool sherry::onlyReads(Operation *op) {
  return isMemoryEffectFree(op) || hasSingleEffect<MemoryEffects::Read>(op) ||
         isa<affine::AffineReadOpInterface, affine::AffinePrefetchOp,
             memref::PrefetchOp>(op);
}

/// `op` if it is a loop that is copied once, with its carried values for each
/// iteration.
static LoopLikeOpInterface getLoop(Operation *op) {
  return isa<affine::AffineForOp, scf::ForOp>(op)
             ? cast<LoopLikeOpInterface>(op)
             : LoopLikeOpInterface();
}

IterationCopies::IterationCopies(Block &body, ValueRange variables)
    : body(body), maps(variables.size()) {
  for (auto [map, variable] : llvm::zip_equal(maps, variables))
    map.map(body.getArgument(0), variable);
  // Values that depend on the iteration, also through values that loops carry.
  dependent.insert(body.getArgument(0));
  body.walk<WalkOrder::PreOrder>([&](Operation *op) {
    LoopLikeOpInterface loop = getLoop(op);
    if (loop)
      dependent.insert_range(ValueRange(loop.getRegionIterArgs()));
    if (loop || dependsOnIteration(op))
      dependent.insert_range(ValueRange(op->getResults()));
  });
}

bool IterationCopies::canCopy(Block &body) {
  IterationCopies copies(body, {});
  WalkResult walk = body.walk([&](Operation *op) {
    if (op->getNumRegions() == 0)
      return WalkResult::advance();
    LoopLikeOpInterface loop = getLoop(op);
    if (!loop)
      return WalkResult::interrupt();
    size_t numControls = op->getNumOperands() - loop.getInits().size();
    bool isEqual =
        llvm::none_of(op->getOperands().take_front(numControls),
                      [&](Value v) { return copies.dependent.contains(v); });
    return isEqual ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !walk.wasInterrupted();
}

bool IterationCopies::dependsOnIteration(Operation *op) {
  return llvm::any_of(
             op->getOperands(),
             [&](Value operand) { return dependent.contains(operand); }) ||
         !onlyReads(op);
}

void IterationCopies::copy(OpBuilder &b, Ops ops,
                           const IRMapping &replacements) {
  SmallVector<Operation *> run;
  auto flush = [&] {
    for (size_t iteration = 0; iteration < maps.size(); ++iteration)
      for (Operation *op : run)
        copyFor(b, op, iteration);
    run.clear();
  };
  for (Operation &op : ops) {
    if (op.getNumResults() == 1 && replacements.contains(op.getResult(0)))
      continue;
    LoopLikeOpInterface loop = getLoop(&op);
    if (!loop && dependsOnIteration(&op)) {
      run.push_back(&op);
      continue;
    }
    flush();
    if (loop) {
      copyLoop(b, loop);
      continue;
    }
    Operation *copied = b.clone(op, maps.front());
    for (size_t i = 1; i < maps.size(); ++i)
      maps[i].map(op.getResults(), copied->getResults());
  }
  flush();
}

SmallVector<Value> IterationCopies::lookUp(ValueRange values) {
  Values result;
  for (IRMapping &map : maps)
    for (Value value : values)
      result.push_back(map.lookupOrDefault(value));
  return result;
}

void IterationCopies::map(ValueRange from, ValueRange to) {
  for (auto [i, map] : llvm::enumerate(maps))
    map.map(from, to.slice(i * from.size(), from.size()));
}

SmallVector<Value> IterationCopies::copyRound(OpBuilder &b,
                                              LoopLikeOpInterface loop,
                                              Value round, ValueRange carried,
                                              const IRMapping &replacements) {
  Block &inner = loop.getLoopRegions().front()->front();
  for (IRMapping &map : maps) {
    map.map(inner.getArgument(0), round);
    for (auto [from, to] : replacements.getValueMap())
      map.map(from, to);
  }
  map(loop.getRegionIterArgs(), carried);
  copy(b, inner.without_terminator(), replacements);
  return lookUp(inner.getTerminator()->getOperands());
}

void IterationCopies::copyLoop(OpBuilder &b, LoopLikeOpInterface loop) {
  auto shared = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) {
      return maps.front().lookupOrDefault(value);
    });
  };
  Values starts = lookUp(loop.getInits());
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](auto copied, auto createYield) {
    if (!starts.empty())
      b.setInsertionPointToEnd(copied.getBody());
    else
      b.setInsertionPoint(copied.getBody()->getTerminator());
    Values next = copyRound(b, loop, copied.getInductionVar(),
                            copied.getRegionIterArgs(), {});
    if (!starts.empty())
      createYield(next);
    map(loop->getResults(), copied->getResults());
  };
  Location loc = loop.getLoc();
  if (auto original = dyn_cast<affine::AffineForOp>(*loop))
    return fill(
        affine::AffineForOp::create(
            b, loc, shared(original.getLowerBoundOperands()),
            original.getLowerBoundMap(),
            shared(original.getUpperBoundOperands()),
            original.getUpperBoundMap(), original.getStepAsInt(), starts),
        [&](ValueRange next) { affine::AffineYieldOp::create(b, loc, next); });
  auto original = cast<scf::ForOp>(*loop);
  Values bounds = shared(
      {original.getLowerBound(), original.getUpperBound(), original.getStep()});
  auto copied =
      scf::ForOp::create(b, loc, bounds[0], bounds[1], bounds[2], starts);
  copied.setUnsignedCmp(original.getUnsignedCmp());
  fill(copied, [&](ValueRange next) { scf::YieldOp::create(b, loc, next); });
}
