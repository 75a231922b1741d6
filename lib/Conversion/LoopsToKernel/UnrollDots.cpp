//===- UnrollDots.cpp - Unroll short sums of bytes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/Analysis/LoopAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/LoopUtils.h"

namespace sherry {
#define GEN_PASS_DEF_UNROLLDOTS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

static constexpr int64_t kMostTerms = 8, kLargestTrit = 2;

/// Whether each value that `loop` carries is a short sum of products with
/// weights that are not trits.
static bool isShortSum(affine::AffineForOp loop) {
  std::optional<uint64_t> terms = affine::getConstantTripCount(loop);
  if (!terms || *terms > kMostTerms || loop.getNumResults() == 0)
    return false;
  return llvm::all_of(loop.getYieldedValues(), [](Value next) {
    auto dot = next.getDefiningOp<DotAccumulateOp>();
    return dot && static_cast<int64_t>(dot.getMaxWeight()) > kLargestTrit;
  });
}

namespace {
struct UnrollDotsPass : sherry::impl::UnrollDotsBase<UnrollDotsPass> {
  void runOnOperation() override {
    SmallVector<affine::AffineForOp> loops;
    getOperation()->walk([&](affine::AffineForOp loop) {
      if (isShortSum(loop))
        loops.push_back(loop);
    });
    for (affine::AffineForOp loop : loops)
      if (succeeded(affine::loopUnrollFull(loop)))
        ++numUnrolled;
  }
};
} // namespace
