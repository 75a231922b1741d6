//===- LowerKernelGeneric.cpp - Kernel ops on any CPU ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FloatEmulation.h"
#include "LowerReduce.h"
#include "TargetFeatures.h"
#include "VectorBuilder.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Format/Codebook.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace sherry {
#define GEN_PASS_DEF_LOWERKERNELGENERIC
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// For each lane, a set of 32 bits has the codes with a +1, and another set the
/// codes with a -1; the bit of a code is looked up in both. For 6-bit codes,
/// the sets have entries instead of codes.
static LogicalResult lowerDecodeBlock(DecodeBlockOp op,
                                      PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto type = b.vec(16, 32);
  Value bit =
      arith::ShLIOp::create(b, b.splat(type, 1), b.mask(op.getCodes(), 31));
  Value zero = b.splat(type, 0);
  // Bytes of ones if the lane of the code does not have this trit.
  auto isOther = [&](int trit) {
    Value result;
    for (int64_t lane = 0; lane < op.getInputs(); ++lane) {
      int64_t set = 0;
      for (int code = 0; code < 32; ++code)
        if (op.getTrit(code, lane) == trit)
          set |= int64_t(1) << code;
      Value other = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                          b.mask(bit, set), zero);
      Value byte = b.mask(arith::ExtSIOp::create(b, type, other),
                          int64_t(255) << (8 * lane));
      result = result ? Value(arith::OrIOp::create(b, result, byte)) : byte;
    }
    return b.cast(b.vec(64, 8), result);
  };
  Value trits = arith::SubIOp::create(b, isOther(1), isOther(-1));
  trits = b.applySigns(op, trits);
  rewriter.replaceOp(
      op, b.withBias(trits, /*from=*/0, op.getBias(), op.getInputs()));
  return success();
}

/// Lowers each half of the outputs separately.
static LogicalResult lowerDecodeNibbles(DecodeNibblesOp op,
                                        PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto lanes = b.vec(16, 32);
  SmallVector<Value> results;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int64_t> order;
    for (int64_t row = 0; row < 16; ++row)
      order.push_back(format::nibbleRow(16 * half + row));
    auto take = [&](Value bytes, int64_t bits) {
      bytes = vector::ShuffleOp::create(b, bytes, bytes, order);
      return b.mask(arith::ExtUIOp::create(b, lanes, bytes), bits);
    };
    Value codes = arith::OrIOp::create(b, take(op.getCodes(), 15),
                                       take(op.getSigns(), 16));
    results.push_back(DecodeBlockOp::create(b, op.getLow().getType(), codes,
                                            op.getCodebook(), /*first=*/0,
                                            op.getBias()));
  }
  rewriter.replaceOp(op, results);
  return success();
}

static LogicalResult lowerBuildTable(BuildTableOp op,
                                     PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  const format::Codebook &codebook = op.getCodebook().getCodebook();
  int64_t entries = op.getType().getDimSize(0);
  auto type = b.vec(entries, 16);
  Value wide = arith::ExtSIOp::create(
      b, b.vec(op.getActivations().getType().getDimSize(0), 16),
      op.getActivations());
  Value sum;
  for (int64_t lane = 0; lane < codebook.inputs; ++lane) {
    SmallVector<int64_t> trits;
    for (int64_t code = 0; code < entries; ++code)
      trits.push_back(codebook.decode(code)[lane]);
    Value activation =
        vector::ExtractOp::create(b, wide, ArrayRef<int64_t>{lane});
    Value product = arith::MulIOp::create(
        b, b.constant(type, trits),
        Value(vector::BroadcastOp::create(b, type, activation)));
    sum = sum ? Value(arith::AddIOp::create(b, sum, product)) : product;
  }
  rewriter.replaceOp(op, sum);
  return success();
}

/// Lane `lane` of `codes`, masked, as an index.
static Value codeIndex(VectorBuilder &b, Value codes, int64_t lane,
                       int64_t bits) {
  Value code = vector::ExtractOp::create(b, codes, ArrayRef<int64_t>{lane});
  return arith::IndexCastUIOp::create(
      b, b.getIndexType(),
      b.createOrFold<arith::AndIOp>(
          code, Value(arith::ConstantIntOp::create(b, code.getType(), bits))));
}

static LogicalResult lowerLookup(LookupOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  SmallVector<Value> found;
  for (int64_t lane = 0; lane < 32; ++lane)
    found.push_back(memref::LoadOp::create(
        b, op.getTables(),
        ValueRange{op.getIndex(), codeIndex(b, op.getCodes(), lane, 31)}));
  rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, op.getType(), found);
  return success();
}

static LogicalResult lowerLookupHalves(LookupHalvesOp op,
                                       PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  SmallVector<Value> results;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> bytes[2];
    for (int64_t i = 0; i < 16; ++i) {
      int64_t lane = 8 * half + (i < 8 ? i : i + 8);
      Value code = codeIndex(b, op.getCodes(), lane, 15);
      for (int64_t part = 0; part < 2; ++part)
        bytes[part].push_back(memref::LoadOp::create(
            b, op.getTables(),
            ValueRange{op.getIndex(), arith::ConstantIndexOp::create(b, part),
                       code}));
    }
    auto type = b.vec(16, 16);
    auto widen = [&](int64_t part) -> Value {
      Value narrow =
          vector::FromElementsOp::create(b, b.vec(16, 8), bytes[part]);
      return arith::ExtUIOp::create(b, type, narrow);
    };
    Value high = arith::ShLIOp::create(b, widen(1), b.splat(type, 8));
    results.push_back(arith::OrIOp::create(b, widen(0), high));
  }
  rewriter.replaceOp(op, results);
  return success();
}

static LogicalResult lowerApplySign(ApplySignOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value zero = b.splat(op.getType(), 0);
  auto compare = [&](arith::CmpIPredicate predicate) -> Value {
    return arith::CmpIOp::create(b, predicate, op.getSign(), zero);
  };
  Value negative = arith::SubIOp::create(b, zero, op.getValue());
  Value value = arith::SelectOp::create(b, compare(arith::CmpIPredicate::slt),
                                        negative, op.getValue());
  rewriter.replaceOpWithNewOp<arith::SelectOp>(
      op, compare(arith::CmpIPredicate::eq), zero, value);
  return success();
}

static LogicalResult lowerDotAccumulate(DotAccumulateOp op,
                                        PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto type = b.vec(16, 32);
  Value weights = b.cast(type, op.getWeights());
  Value activations =
      arith::ExtSIOp::create(b, b.vec(4, 32), op.getActivations());
  Value sum = op.getAccumulator();
  for (int64_t p = 0; p < 4; ++p) {
    Value activation =
        vector::ExtractOp::create(b, activations, ArrayRef<int64_t>{p});
    Value weight = b.mask(b.shiftRight(weights, 8 * p), 255);
    Value product = arith::MulIOp::create(
        b, weight, Value(vector::BroadcastOp::create(b, type, activation)));
    sum = arith::AddIOp::create(b, sum, product);
  }
  rewriter.replaceOp(op, sum);
  return success();
}

static LogicalResult lowerDotPairs(DotPairsOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto type = b.vec(32, 16);
  Value eight = b.splat(type, 8);
  Value weights = b.cast(type, op.getWeights());
  Value activations = b.cast(type, b.repeatBytes(op.getActivations(), 16));
  Value even = arith::ShRSIOp::create(
      b, Value(arith::ShLIOp::create(b, activations, eight)), eight);
  Value odd = arith::ShRSIOp::create(b, activations, eight);
  Value sum = arith::AddIOp::create(
      b, op.getAccumulator(),
      Value(arith::MulIOp::create(b, b.mask(weights, 255), even)));
  rewriter.replaceOpWithNewOp<arith::AddIOp>(
      op, sum, Value(arith::MulIOp::create(b, b.shiftRight(weights, 8), odd)));
  return success();
}

static LogicalResult lowerAddPairs(AddPairsOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto type = b.vec(16, 32);
  Value sixteen = b.splat(type, 16);
  Value pairs = b.cast(type, op.getPairs());
  Value even = arith::ShRSIOp::create(
      b, Value(arith::ShLIOp::create(b, pairs, sixteen)), sixteen);
  Value odd = arith::ShRSIOp::create(b, pairs, sixteen);
  rewriter.replaceOpWithNewOp<arith::AddIOp>(
      op, op.getAccumulator(), Value(arith::AddIOp::create(b, even, odd)));
  return success();
}

/// Computes, for each output, sum t * a = sum (t + 1) * a - sum 1 * a.
static LogicalResult lowerMultiplyPanel(MultiplyPanelOp op,
                                        PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, x, y);
  };
  auto bytes = b.vec(64, 8);
  auto lanes = b.vec(16, 32);
  Value zero = index(0), one = index(1), ones = b.splat(bytes, 1);
  Value rows = index(op.getSums().getType().getDimSize(0));
  auto rowLoop = scf::ForOp::create(b, zero, rows, one);
  b.setInsertionPointToStart(rowLoop.getBody());
  Value row = rowLoop.getInductionVar();
  // Sums of both halves, and the sum of the row itself.
  SmallVector<Value> zeros(3, b.splat(lanes, 0));
  auto loop = scf::ForOp::create(b, zero, index(op.getGroups()), one, zeros);
  b.setInsertionPointToStart(loop.getBody());
  Value group = loop.getInductionVar();
  Value place[] = {
      add(op.getRow(), row),
      add(op.getColumn(), Value(arith::MulIOp::create(b, group, index(4))))};
  Value values = vector::LoadOp::create(b, b.vec(4, 8), op.getValues(), place);
  SmallVector<Value> sums(loop.getRegionIterArgs());
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value weights = ones;
    if (i < 2)
      weights =
          add(ones,
              Value(vector::LoadOp::create(b, bytes, op.getPanel(),
                                           ValueRange{group, index(i), zero})));
    sum = DotAccumulateOp::create(b, lanes, weights, values, sum,
                                  b.getI32IntegerAttr(i < 2 ? 2 : 1));
  }
  scf::YieldOp::create(b, sums);
  b.setInsertionPointAfter(loop);
  for (int64_t half = 0; half < 2; ++half)
    vector::StoreOp::create(b,
                            Value(arith::SubIOp::create(b, loop.getResult(half),
                                                        loop.getResult(2))),
                            op.getSums(), ValueRange{row, index(16 * half)});
  rewriter.eraseOp(op);
  return success();
}

namespace {
struct LowerKernelGenericPass
    : sherry::impl::LowerKernelGenericBase<LowerKernelGenericPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerDecodeBlock);
    patterns.add(lowerDecodeNibbles);
    patterns.add(lowerBuildTable);
    patterns.add(lowerLookup);
    patterns.add(lowerLookupHalves);
    patterns.add(lowerApplySign);
    patterns.add(lowerDotAccumulate);
    patterns.add(lowerDotPairs);
    patterns.add(lowerAddPairs);
    patterns.add(lowerMultiplyPanel);
    patterns.add(lowerReduce);
    if (!hasFeature(getOperation(), "+f16c"))
      populateF16Patterns(patterns);
    if (!hasFeature(getOperation(), "+fma"))
      populateFmaPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
