//===- PairSums.cpp - Exact sums of products in 16 bits -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sherry {
#define GEN_PASS_DEF_PAIRSUMS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// sherry.dot_pairs is exact if the largest weights of all ops whose pairs are
/// added up are together at most this: 128 * 2 * -128 = -2^15.
static constexpr int64_t kMostWeights = 128;

static int64_t getMaxWeight(DotAccumulateOp dot) {
  return static_cast<int64_t>(dot.getMaxWeight());
}

/// Whether each value that `loop` carries is a sum of products that 16 bits can
/// hold.
static bool fitsPairSums(affine::AffineForOp loop) {
  if (loop.getNumResults() == 0 || !loop.hasConstantBounds())
    return false;
  int64_t terms = loop.getConstantUpperBound() - loop.getConstantLowerBound();
  for (auto [carried, next] :
       llvm::zip_equal(loop.getRegionIterArgs(),
                       loop.getBody()->getTerminator()->getOperands())) {
    auto dot = next.getDefiningOp<DotAccumulateOp>();
    if (!dot || dot.getAccumulator() != carried || !carried.hasOneUse() ||
        !dot->hasOneUse() || terms * getMaxWeight(dot) > kMostWeights)
      return false;
  }
  // No other products are in the loop.
  return llvm::range_size(loop.getBody()->getOps<DotAccumulateOp>()) ==
         loop.getNumResults();
}

static Value makeZeros(ImplicitLocOpBuilder &b) {
  return arith::ConstantOp::create(
      b, b.getZeroAttr(VectorType::get(32, b.getI16Type())));
}

static void sumPairs(affine::AffineForOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  SmallVector<Value> zeros(loop.getNumResults(), makeZeros(b));
  auto narrow = affine::AffineForOp::create(b, loop.getConstantLowerBound(),
                                            loop.getConstantUpperBound(),
                                            loop.getStepAsInt(), zeros);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(narrow.getBody());
    IRMapping map;
    map.map(loop.getInductionVar(), narrow.getInductionVar());
    map.map(loop.getRegionIterArgs(), narrow.getRegionIterArgs());
    for (Operation &op : loop.getBody()->without_terminator()) {
      auto dot = dyn_cast<DotAccumulateOp>(op);
      if (!dot) {
        b.clone(op, map);
        continue;
      }
      auto lookup = [&](Value value) { return map.lookupOrDefault(value); };
      Value accumulator = lookup(dot.getAccumulator());
      map.map(dot.getResult(),
              Value(DotPairsOp::create(
                  b, accumulator.getType(), lookup(dot.getWeights()),
                  lookup(dot.getActivations()), accumulator)));
    }
    SmallVector<Value> next;
    for (Value value : loop.getBody()->getTerminator()->getOperands())
      next.push_back(map.lookup(value));
    affine::AffineYieldOp::create(b, next);
  }
  for (auto [start, sum, result] :
       llvm::zip_equal(loop.getInits(), narrow.getResults(), loop.getResults()))
    result.replaceAllUsesWith(
        AddPairsOp::create(b, start.getType(), sum, start));
  loop.erase();
}

/// The only user of `dot`, if it adds products to its sum in the same block.
static DotAccumulateOp getNext(DotAccumulateOp dot) {
  if (!dot->hasOneUse())
    return {};
  auto next = dyn_cast<DotAccumulateOp>(*dot->user_begin());
  return next && next.getAccumulator() == dot.getResult() &&
                 next->getBlock() == dot->getBlock()
             ? next
             : DotAccumulateOp();
}

/// Dots from `first` on, each of which adds to the sum of the one before, whose
/// pairs 16 bits can hold.
static SmallVector<DotAccumulateOp> findRun(DotAccumulateOp first) {
  SmallVector<DotAccumulateOp> run;
  int64_t weights = 0;
  for (DotAccumulateOp dot = first; dot; dot = getNext(dot)) {
    weights += getMaxWeight(dot);
    if (weights > kMostWeights)
      break;
    run.push_back(dot);
  }
  return run;
}

static void sumPairs(ArrayRef<DotAccumulateOp> run) {
  DotAccumulateOp first = run.front(), last = run.back();
  ImplicitLocOpBuilder b(last.getLoc(), first);
  Value start = first.getAccumulator(), pairs = makeZeros(b);
  for (DotAccumulateOp dot : run) {
    b.setInsertionPoint(dot);
    pairs = DotPairsOp::create(b, pairs.getType(), dot.getWeights(),
                               dot.getActivations(), pairs);
  }
  last.replaceAllUsesWith(
      AddPairsOp::create(b, start.getType(), pairs, start).getResult());
  for (DotAccumulateOp dot : llvm::reverse(run))
    dot.erase();
}

namespace {
struct PairSumsPass : sherry::impl::PairSumsBase<PairSumsPass> {
  void runOnOperation() override {
    if (!getSchedule(getOperation()->getParentOfType<ModuleOp>()).getPairSums())
      return;
    SmallVector<affine::AffineForOp> loops;
    getOperation()->walk([&](affine::AffineForOp loop) {
      if (fitsPairSums(loop))
        loops.push_back(loop);
    });
    numNarrowed += loops.size();
    for (affine::AffineForOp loop : loops)
      sumPairs(loop);
    // Users follow what they use, so a run is found at its first dot.
    SmallVector<SmallVector<DotAccumulateOp>> runs;
    DenseSet<Operation *> known;
    getOperation()->walk([&](DotAccumulateOp dot) {
      if (known.contains(dot))
        return;
      SmallVector<DotAccumulateOp> run = findRun(dot);
      known.insert(run.begin(), run.end());
      if (run.size() > 1)
        runs.push_back(run);
    });
    numNarrowed += runs.size();
    for (ArrayRef<DotAccumulateOp> run : runs)
      sumPairs(run);
  }
};
} // namespace
