//===- LowerKernelToAMX.cpp - Kernel ops to AMX ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../KernelToLLVM/TargetFeatures.h"
#include "../KernelToLLVM/VectorBuilder.h"
#include "sherry/Conversion/KernelToX86/Passes.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace sherry {
#define GEN_PASS_DEF_LOWERKERNELTOAMX
#include "sherry/Conversion/KernelToX86/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// tdpbssd: 16 rows of 64 bytes times 16 groups of one half of the panel. Two
/// blocks of rows and two halves make four sums; sums and operands take all
/// eight AMX tiles.
static LogicalResult lowerMultiplyPanelToAMX(MultiplyPanelOp op,
                                             PatternRewriter &rewriter) {
  constexpr int64_t kUnit = MultiplyPanelOp::kUnit, kBytes = 4 * kUnit;
  VectorBuilder b(op, rewriter);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto offset = [&](Value base, int64_t distance) {
    return b.createOrFold<arith::AddIOp>(base, index(distance));
  };
  auto bytes = amx::TileType::get({kUnit, kBytes}, b.getI8Type());
  auto sums = amx::TileType::get({kUnit, kUnit}, b.getI32Type());
  auto loadTrits = [&](int64_t group, int64_t half) -> Value {
    Value place[] = {index(group), index(half), index(0)};
    return amx::TileLoadOp::create(b, bytes, op.getPanel(), place,
                                   /*stride=*/index(2 * kBytes));
  };
  int64_t rows = op.getSums().getType().getDimSize(0);
  for (int64_t begin = 0; begin < rows; begin += 2 * kUnit) {
    int64_t parts = std::min<int64_t>(2, (rows - begin) / kUnit);
    SmallVector<Value> totals;
    for (int64_t i = 0; i < 2 * parts; ++i)
      totals.push_back(amx::TileZeroOp::create(b, sums));
    for (int64_t group = 0; group < int64_t(op.getGroups()); group += kUnit) {
      Value halves[] = {loadTrits(group, 0), loadTrits(group, 1)};
      for (int64_t part = 0; part < parts; ++part) {
        Value place[] = {offset(op.getRow(), begin + part * kUnit),
                         offset(op.getColumn(), 4 * group)};
        Value values = amx::TileLoadOp::create(b, bytes, op.getValues(), place);
        for (int64_t half = 0; half < 2; ++half) {
          Value &total = totals[2 * part + half];
          total = amx::TileMulIOp::create(b, sums, values, halves[half], total);
        }
      }
    }
    for (auto [i, total] : llvm::enumerate(totals)) {
      Value place[] = {index(begin + i / 2 * kUnit),
                       index(i % 2 * format::kTileRows / 2)};
      amx::TileStoreOp::create(b, op.getSums(), place, total);
    }
  }
  rewriter.eraseOp(op);
  return success();
}

namespace {
struct LowerKernelToAMXPass
    : sherry::impl::LowerKernelToAMXBase<LowerKernelToAMXPass> {
  void runOnOperation() override {
    if (!hasFeature(getOperation(), "+amx-int8"))
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerMultiplyPanelToAMX);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
