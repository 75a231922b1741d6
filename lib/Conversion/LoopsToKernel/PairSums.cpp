//===- PairSums.cpp - Exact sums of products in 16 bits -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sherry {
#define GEN_PASS_DEF_PAIRSUMS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Bounds within which sherry.dot_pairs is exact.
static constexpr int64_t kMostPairTerms = 64, kLargestWeight = 2;

/// Whether each value that `loop` carries is a sum of products that 16 bits can
/// hold.
static bool fitsPairSums(affine::AffineForOp loop) {
  if (loop.getNumResults() == 0 || !loop.hasConstantBounds() ||
      loop.getConstantUpperBound() - loop.getConstantLowerBound() >
          kMostPairTerms)
    return false;
  for (auto [carried, next] :
       llvm::zip_equal(loop.getRegionIterArgs(),
                       loop.getBody()->getTerminator()->getOperands())) {
    auto dot = next.getDefiningOp<DotAccumulateOp>();
    if (!dot || dot.getAccumulator() != carried || !carried.hasOneUse() ||
        static_cast<int64_t>(dot.getMaxWeight()) > kLargestWeight)
      return false;
  }
  return true;
}

static void sumPairs(affine::AffineForOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  auto pairs = VectorType::get(32, b.getI16Type());
  auto lanes = VectorType::get(16, b.getI32Type());
  SmallVector<Value> zeros(loop.getNumResults(),
                           arith::ConstantOp::create(b, b.getZeroAttr(pairs)));
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
      map.map(dot.getResult(),
              Value(DotPairsOp::create(b, pairs, lookup(dot.getWeights()),
                                       lookup(dot.getActivations()),
                                       lookup(dot.getAccumulator()))));
    }
    SmallVector<Value> next;
    for (Value value : loop.getBody()->getTerminator()->getOperands())
      next.push_back(map.lookup(value));
    affine::AffineYieldOp::create(b, next);
  }
  // Each lane of the wide sum gets its two sums of pairs.
  Value sixteen =
      arith::ConstantOp::create(b, DenseElementsAttr::get(lanes, int32_t(16)));
  for (auto [start, sum, result] : llvm::zip_equal(
           loop.getInits(), narrow.getResults(), loop.getResults())) {
    Value both = vector::BitCastOp::create(b, lanes, sum);
    Value even = arith::ShRSIOp::create(
        b, Value(arith::ShLIOp::create(b, both, sixteen)), sixteen);
    Value odd = arith::ShRSIOp::create(b, both, sixteen);
    result.replaceAllUsesWith(arith::AddIOp::create(
        b, start, Value(arith::AddIOp::create(b, even, odd))));
  }
  loop.erase();
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
  }
};
} // namespace
