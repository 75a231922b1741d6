//===- MultiplyPanels.cpp - Whole panels times many tokens ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenLoops.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Conversion/SherryToLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace sherry {
#define GEN_PASS_DEF_MULTIPLYPANELS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

static constexpr int64_t kUnit = MultiplyPanelOp::kUnit;

namespace {
struct MultiplyPanelsPass
    : sherry::impl::MultiplyPanelsBase<MultiplyPanelsPass> {
  void runOnOperation() override;

private:
  void multiply(PanelProduct product, affine::AffineVectorLoadOp activations,
                Value sums);
  Value allocSums(affine::AffineForOp loop);

  NumericsAttr numerics;
};
} // namespace

/// Memory for the sums of a panel with the tokens of one multiplication.
Value MultiplyPanelsPass::allocSums(affine::AffineForOp loop) {
  auto parallel = loop->getParentOfType<affine::AffineParallelOp>();
  auto type = MemRefType::get({kPanelTokens, format::kTileRows},
                              IntegerType::get(&getContext(), 32));
  for (auto alloc : parallel.getBody()->getOps<memref::AllocaOp>())
    if (alloc.getType() == type)
      return alloc;
  auto b = OpBuilder::atBlockBegin(parallel.getBody());
  return memref::AllocaOp::create(b, loop.getLoc(), type);
}

/// The load of activations, if the sums multiply both halves of the panel with
/// rows of bytes.
static affine::AffineVectorLoadOp getActivations(PanelProduct product) {
  affine::AffineForOp sum = product.tokens.sums.front();
  affine::AffineVectorLoadOp activations;
  if (sum.getNumResults() != 2)
    return nullptr;
  for (int64_t half = 0; half < 2; ++half) {
    auto dot = sum.getBody()
                   ->getTerminator()
                   ->getOperand(half)
                   .getDefiningOp<DotAccumulateOp>();
    if (!dot || dot.getAccumulator() != sum.getRegionIterArgs()[half])
      return nullptr;
    auto weights = dot.getWeights().getDefiningOp<affine::AffineVectorLoadOp>();
    auto load =
        dot.getActivations().getDefiningOp<affine::AffineVectorLoadOp>();
    if (!weights || weights.getMemRef() != product.getPanel() ||
        weights.getAffineMap().getResult(1) !=
            getAffineConstantExpr(half, sum.getContext()) ||
        !load || (activations && load != activations))
      return nullptr;
    activations = load;
  }
  // In these rows, fours follow each other.
  auto rows =
      activations.getMemRef().getDefiningOp<memref::ReinterpretCastOp>();
  if (!rows || rows.getType().getRank() != 4 ||
      rows.getType().getDimSize(2) != 1 ||
      cast<MemRefType>(rows.getSource().getType()).getRank() != 2)
    return nullptr;
  return activations;
}

void MultiplyPanelsPass::multiply(PanelProduct product,
                                  affine::AffineVectorLoadOp load,
                                  Value wholeSums) {
  TokenLoop tokens = product.tokens;
  Value panel = product.getPanel();
  auto values = load.getMemRef().getDefiningOp<memref::ReinterpretCastOp>();
  ImplicitLocOpBuilder b(tokens.loop.getLoc(), tokens.loop);
  // The panel gets signed trits, and zeros up to a whole unit.
  for (UnpackStep step : product.steps)
    step.unpack.setBias(0);
  int64_t groups = tokens.sums.front().getConstantUpperBound();
  int64_t end = format::roundUp(groups, kUnit);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  if (groups < end) {
    auto bytes = VectorType::get(64, b.getI8Type());
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(bytes));
    for (int64_t group = groups; group < end; ++group)
      for (int64_t half = 0; half < 2; ++half)
        affine::AffineVectorStoreOp::create(
            b, zero, panel, ValueRange{index(group), index(half), index(0)});
  }
  // The column of the first four: that of the activations at the start of the
  // sum.
  SmallVector<OpFoldResult> operands;
  for (Value operand : load.getMapOperands())
    operands.push_back(operand == tokens.sums.front().getInductionVar()
                           ? OpFoldResult(b.getIndexAttr(0))
                           : OpFoldResult(operand));
  AffineMap map = load.getAffineMap();
  Value column = getValueOrCreateConstantIndexOp(
      b, b.getLoc(),
      affine::makeComposedFoldedAffineApply(
          b, b.getLoc(),
          AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                         map.getResult(1) * format::kDotInputs),
          operands));
  Value count = tokens.getCount();
  auto blocks = affine::AffineForOp::create(
      b, ValueRange(), b.getConstantAffineMap(0), count,
      b.getSymbolIdentityMap(), kPanelTokens);
  b.setInsertionPointToStart(blocks.getBody());
  Value first = blocks.getInductionVar();
  Value rest = arith::SubIOp::create(b, count, first);
  Value isHalf =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ule, rest, index(kUnit));
  auto multiplyInto = [&](Value sums) {
    MultiplyPanelOp::create(b, panel, values.getSource(), first, column, sums,
                            b.getI64IntegerAttr(end));
  };
  auto choice = scf::IfOp::create(b, isHalf, /*withElseRegion=*/true);
  b.setInsertionPointToStart(choice.thenBlock());
  SmallVector<int64_t> shape{kUnit, format::kTileRows};
  multiplyInto(memref::ReinterpretCastOp::create(
      b, MemRefType::get(shape, b.getI32Type()), wholeSums, /*offset=*/0, shape,
      ArrayRef<int64_t>{format::kTileRows, 1}));
  b.setInsertionPointToStart(choice.elseBlock());
  multiplyInto(wholeSums);
  b.setInsertionPointAfter(choice);
  auto rows = affine::AffineForOp::create(
      b, first, b.getDimIdentityMap(), ValueRange{first, count},
      AffineMap::get(
          1, 1,
          {b.getAffineDimExpr(0) + kPanelTokens, b.getAffineSymbolExpr(0)},
          b.getContext()),
      1);
  b.setInsertionPointToStart(rows.getBody());
  Value row = rows.getInductionVar();
  TokenCopies copies(tokens, row);
  copies.copyBefore(b);
  SmallVector<Value> sums;
  auto lanes = VectorType::get(16, b.getI32Type());
  for (int64_t half = 0; half < 2; ++half) {
    Value sum = affine::AffineVectorLoadOp::create(
        b, lanes, wholeSums,
        AffineMap::get(2, 0,
                       {b.getAffineDimExpr(0) - b.getAffineDimExpr(1),
                        b.getAffineConstantExpr(16 * half)},
                       b.getContext()),
        ValueRange{row, first});
    // The ops after the sum expect this offset.
    if (numerics.getFuseMulAdd())
      sum = arith::AddIOp::create(
          b, sum,
          Value(arith::ConstantOp::create(
              b, DenseElementsAttr::get(lanes, int32_t(kFloatBits)))));
    sums.push_back(sum);
  }
  copies.setSums(sums);
  copies.copyAfter(b);
  tokens.loop.erase();
  ++numMultiplied;
}

void MultiplyPanelsPass::runOnOperation() {
  auto module = getOperation()->getParentOfType<ModuleOp>();
  if (!getSchedule(module).getMultiplyPanels())
    return;
  numerics = getNumerics(module);
  for (PanelProduct product : findPanelProducts(getOperation()))
    if (affine::AffineVectorLoadOp activations = getActivations(product))
      multiply(product, activations, allocSums(product.tokens.loop));
}
