//===- LowerKernelToAVX512.cpp - Kernel ops to AVX-512 --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TargetFeatures.h"
#include "VectorBuilder.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Format/Codec.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace sherry {
#define GEN_PASS_DEF_LOWERKERNELTOAVX512
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// vpermw: 32 entries of 16 bits, indices modulo 32.
static LogicalResult lowerLookup(LookupOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value table = vector::LoadOp::create(b, op.getType(), op.getTables(),
                                       ValueRange{op.getIndex(), zero});
  rewriter.replaceOp(op, b.callIntrinsic("llvm.x86.avx512.permvar.hi.512",
                                         op.getType(), {table, op.getCodes()}));
  return success();
}

/// vpermi2d: 32 entries of four trits plus `bias` in two registers, indices
/// modulo 32.
static Value emitDecode(VectorBuilder &b, Value codes, int64_t bias) {
  auto type = b.vec(16, 32);
  Value halves[2];
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int64_t> entries;
    for (int64_t code = 16 * half; code < 16 * half + 16; ++code) {
      int64_t entry = 0;
      for (auto [lane, trit] : llvm::enumerate(format::decodeGroup(code)))
        entry |= ((trit + bias) & 255) << (8 * lane);
      entries.push_back(entry);
    }
    halves[half] = b.constant(type, entries);
  }
  Value found = b.callIntrinsic("llvm.x86.avx512.vpermi2var.d.512", type,
                                {halves[0], codes, halves[1]});
  return b.cast(b.vec(64, 8), found);
}

static LogicalResult lowerDecodeBlock(DecodeBlockOp op,
                                      PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  rewriter.replaceOp(op, emitDecode(b, op.getCodes(), 1));
  return success();
}

/// What is subtracted from decoded trits belongs into the table. The driver
/// goes bottom-up, so the subtraction is visited before the op that decodes.
static LogicalResult lowerDecodeMinusBias(arith::SubIOp op,
                                          PatternRewriter &rewriter) {
  auto decode = op.getLhs().getDefiningOp<DecodeBlockOp>();
  DenseElementsAttr bias;
  if (!decode || !decode->hasOneUse() ||
      !matchPattern(op.getRhs(), m_Constant(&bias)) || !bias.isSplat())
    return failure();
  VectorBuilder b(op, rewriter);
  rewriter.replaceOp(
      op, emitDecode(b, decode.getCodes(),
                     1 - bias.getSplatValue<APInt>().getSExtValue()));
  return success();
}

/// vpdpbusd: unsigned times signed bytes, four per lane.
static LogicalResult lowerDotAccumulate(DotAccumulateOp op,
                                        PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  rewriter.replaceOp(
      op, b.callIntrinsic("llvm.x86.avx512.vpdpbusd.512", b.vec(16, 32),
                          {op.getAccumulator(), op.getWeights(),
                           b.repeatBytes(op.getActivations(), 16)}));
  return success();
}

namespace {
struct LowerKernelToAVX512Pass
    : sherry::impl::LowerKernelToAVX512Base<LowerKernelToAVX512Pass> {
  void runOnOperation() override {
    if (!hasFeature(getOperation(), "+avx512bw"))
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerLookup);
    patterns.add(lowerDecodeBlock);
    patterns.add(lowerDecodeMinusBias);
    if (hasFeature(getOperation(), "+avx512vnni"))
      patterns.add(lowerDotAccumulate);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
