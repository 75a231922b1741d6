//===- LowerKernelToAVX512.cpp - Kernel ops to AVX-512 --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../KernelToLLVM/TargetFeatures.h"
#include "../KernelToLLVM/VectorBuilder.h"
#include "TablesInMemory.h"
#include "sherry/Conversion/KernelToX86/Passes.h"
#include "sherry/Dialect/X86/X86Dialect.h"
#include "sherry/Format/Codebook.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace sherry {
#define GEN_PASS_DEF_LOWERKERNELTOAVX512
#include "sherry/Conversion/KernelToX86/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// vpermw: 32 entries of 16 bits, indices modulo 32.
static LogicalResult lowerLookupToAVX512(LookupOp op,
                                         PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value table = vector::LoadOp::create(b, op.getType(), op.getTables(),
                                       ValueRange{op.getIndex(), zero});
  rewriter.replaceOpWithNewOp<x86::PermwOp>(op, table, op.getCodes());
  return success();
}

/// vpermi2d: 32 entries of up to four trits in two registers, indices
/// modulo 32. Entries have the bias, unless signs are applied later.
static LogicalResult lowerDecodeBlockToAVX512(DecodeBlockOp op,
                                              PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  int64_t bias = op.getCodebook().getCodebook().hasSignApart()
                     ? 0
                     : static_cast<int64_t>(op.getBias());
  auto type = b.vec(16, 32);
  Value halves[2];
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int64_t> entries;
    for (int64_t code = 16 * half; code < 16 * half + 16; ++code) {
      int64_t entry = 0;
      for (int64_t lane = 0; lane < op.getInputs(); ++lane)
        entry |= ((op.getTrit(code, lane) + bias) & 255) << (8 * lane);
      entries.push_back(entry);
    }
    halves[half] = b.constant(type, entries);
  }
  Value found = x86::Permi2dOp::create(b, halves[0], op.getCodes(), halves[1]);
  Value trits = b.applySigns(op, b.cast(b.vec(64, 8), found));
  rewriter.replaceOp(op, b.withBias(trits, bias, op.getBias(), op.getInputs()));
  return success();
}

/// vpdpbusd: unsigned times signed bytes, four per lane.
static LogicalResult lowerDotAccumulateToAVX512(DotAccumulateOp op,
                                                PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  rewriter.replaceOpWithNewOp<x86::PdpbusdOp>(
      op, op.getAccumulator(), op.getWeights(),
      b.repeatBytes(op.getActivations(), 16));
  return success();
}

namespace {
struct LowerKernelToAVX512Pass
    : sherry::impl::LowerKernelToAVX512Base<LowerKernelToAVX512Pass> {
  void runOnOperation() override {
    if (!hasFeature(getOperation(), "+avx512bw"))
      return;
    keepTablesInMemory<LookupOp>(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerLookupToAVX512);
    patterns.add(lowerDecodeBlockToAVX512);
    if (hasFeature(getOperation(), "+avx512vnni"))
      patterns.add(lowerDotAccumulateToAVX512);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
