//===- LowerKernelToAVX2.cpp - Kernel ops to AVX2 -------------------------===//
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
#define GEN_PASS_DEF_LOWERKERNELTOAVX2
#include "sherry/Conversion/KernelToX86/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Two vpshufb look up the low and the high bytes of 32 sums; vpunpck{l,h}bw,
/// which work within 128 bits, make words of them.
static LogicalResult lowerLookupHalvesToAVX2(LookupHalvesOp op,
                                             PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value codes = b.mask(op.getCodes(), 15);
  Value found[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value table = vector::LoadOp::create(
        b, b.vec(16, 8), op.getTables(),
        ValueRange{op.getIndex(), arith::ConstantIndexOp::create(b, half),
                   zero});
    found[half] = x86::PshufbOp::create(b, b.concat(table, table), codes);
  }
  SmallVector<Value> results;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < 16; ++i) {
      int64_t lane = 8 * half + (i < 8 ? i : i + 8);
      order.append({lane, lane + 32});
    }
    Value mixed = vector::ShuffleOp::create(b, found[0], found[1], order);
    results.push_back(b.cast(b.vec(16, 16), mixed));
  }
  rewriter.replaceOp(op, results);
  return success();
}

static LogicalResult lowerApplySignToAVX2(ApplySignOp op,
                                          PatternRewriter &rewriter) {
  rewriter.replaceOpWithNewOp<x86::PsignwOp>(op, op.getValue(), op.getSign());
  return success();
}

/// Rewrites a dot product as two, on 8 lanes each.
static void
splitDot(DotAccumulateOp op, PatternRewriter &rewriter,
         function_ref<Value(VectorBuilder &, Value, Value, Value)> lowerHalf) {
  VectorBuilder b(op, rewriter);
  Value activations = b.repeatBytes(op.getActivations(), 8);
  SmallVector<Value> halves;
  for (int64_t half = 0; half < 2; ++half)
    halves.push_back(lowerHalf(b, b.slice(op.getWeights(), 32 * half, 32),
                               activations,
                               b.slice(op.getAccumulator(), 8 * half, 8)));
  rewriter.replaceOp(op, b.concat(halves[0], halves[1]));
}

static LogicalResult lowerDotToVnni(DotAccumulateOp op,
                                    PatternRewriter &rewriter) {
  splitDot(op, rewriter,
           [](VectorBuilder &b, Value weights, Value activations, Value sum) {
             return x86::PdpbusdOp::create(b, sum, weights, activations);
           });
  return success();
}

static LogicalResult lowerDotToMadd(DotAccumulateOp op,
                                    PatternRewriter &rewriter) {
  bool isSmall = op.getMaxWeight() <= 127;
  splitDot(op, rewriter,
           [&](VectorBuilder &b, Value weights, Value activations,
               Value sum) -> Value {
             auto words = b.vec(16, 16);
             if (isSmall) {
               // 127 * 128 + 127 * 128 does not saturate a word.
               Value pairs = x86::PmaddubswOp::create(b, weights, activations);
               Value dots = x86::PmaddwdOp::create(b, pairs, b.splat(words, 1));
               return arith::AddIOp::create(b, sum, dots);
             }
             // Even and odd bytes as words: pairs of products fit a dword.
             for (int64_t odd = 0; odd < 2; ++odd) {
               Value unsignedWords = b.cast(words, weights);
               unsignedWords = odd ? b.shiftRight(unsignedWords, 8)
                                   : b.mask(unsignedWords, 255);
               Value signedWords = b.cast(words, activations);
               if (!odd)
                 signedWords =
                     arith::ShLIOp::create(b, signedWords, b.splat(words, 8));
               signedWords =
                   arith::ShRSIOp::create(b, signedWords, b.splat(words, 8));
               Value dots =
                   x86::PmaddwdOp::create(b, unsignedWords, signedWords);
               sum = arith::AddIOp::create(b, sum, dots);
             }
             return sum;
           });
  return success();
}

/// One lookup (two, if there are more than 16 entries) gives a byte per code
/// with bits for each of the four lanes: is it +1 if the code's sign is not set
/// (low nibble), and is it 0 (high nibble).
static LogicalResult lowerDecodeBlockToAVX2(DecodeBlockOp op,
                                            PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto bytes = b.vec(32, 8);
  const format::Codebook &codebook = op.getCodebook().getCodebook();
  SmallVector<int64_t> tables[2], copies, plusBits, zeroBits, ones;
  for (int64_t i = 0; i < 32; ++i) {
    for (int64_t upper : {0, 16}) {
      int64_t entry = 0;
      for (int64_t lane = 0; lane < 4; ++lane) {
        int64_t trit = op.getTrit(upper + i % 16, lane);
        entry |= (trit > 0) << lane | (trit == 0) << (lane + 4);
      }
      tables[upper / 16].push_back(entry);
    }
    copies.push_back(i % 16 / 4 * 4);
    plusBits.push_back(1 << i % 4);
    zeroBits.push_back(16 << i % 4);
    // A lane after the inputs of the group is always zero.
    ones.push_back(i % 4 < op.getInputs() ? 1 : 0);
  }
  auto shuffle = [&](Value value, Value order) -> Value {
    return x86::PshufbOp::create(b, value, order);
  };
  // All ones if the bits are set.
  auto test = [&](Value value, Value bits) -> Value {
    Value masked = arith::AndIOp::create(b, value, bits);
    Value isSet =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, masked, bits);
    return arith::ExtSIOp::create(b, bytes, isSet);
  };
  SmallVector<Value> halves;
  for (int64_t half = 0; half < 2; ++half) {
    Value dwords = b.slice(op.getCodes(), 8 * half, 8);
    Value codes =
        b.mask(shuffle(b.cast(bytes, dwords), b.constant(bytes, copies)),
               codebook.numCodes() - 1);
    Value entries = shuffle(b.constant(bytes, tables[0]), codes);
    if (codebook.hasSignApart()) {
      Value isUpper = arith::CmpIOp::create(
          b, arith::CmpIPredicate::ne, b.mask(codes, 16), b.splat(bytes, 0));
      entries = arith::SelectOp::create(
          b, isUpper, shuffle(b.constant(bytes, tables[1]), codes), entries);
    }
    Value isZero = test(entries, b.constant(bytes, zeroBits));
    Value isPlus =
        arith::XOrIOp::create(b, test(entries, b.constant(bytes, plusBits)),
                              test(codes, b.splat(bytes, codebook.signBit())));
    // The trit plus 1: 2 or 0, or 1 for a zero.
    Value one = b.constant(bytes, ones);
    Value trits = arith::SelectOp::create(
        b,
        Value(arith::CmpIOp::create(b, arith::CmpIPredicate::slt, isZero,
                                    b.splat(bytes, 0))),
        one, Value(b.mask(isPlus, 2)));
    halves.push_back(trits);
  }
  rewriter.replaceOp(op, b.withBias(b.concat(halves[0], halves[1]), /*from=*/1,
                                    op.getBias(), op.getInputs()));
  return success();
}

/// Interleaves units of `bytes` bytes of `a` and of `other`, in each half of 16
/// bytes: the units of its lower or its upper 8 bytes.
static Value interleave(VectorBuilder &b, Value a, Value other, int64_t bytes,
                        bool isUpper) {
  SmallVector<int64_t> order;
  for (int64_t half = 0; half < 32; half += 16)
    for (int64_t unit = 0; unit < 8; unit += bytes)
      for (int64_t vector : {0, 32})
        for (int64_t i = 0; i < bytes; ++i)
          order.push_back(vector + half + 8 * isUpper + unit + i);
  return vector::ShuffleOp::create(b, a, other, order);
}

/// A lookup for each input gives its trits for 32 outputs. Then bytes of two
/// inputs are interleaved, then words of two pairs.
static LogicalResult lowerDecodeNibblesToAVX2(DecodeNibblesOp op,
                                              PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  auto bytes = b.vec(32, 8);
  const format::Codebook &codebook = op.getCodebook().getCodebook();
  auto bias = static_cast<int64_t>(op.getBias());
  Value codes = b.mask(op.getCodes(), 15);
  // -x is ~x + 1, and so bias - x is ~(bias + x) + 1 + 2 bias.
  Value change = b.mask(op.getSigns(), 1 + 2 * bias);
  Value inputs[format::kDotInputs];
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (static_cast<int64_t>(i) >= codebook.inputs) {
      input = b.splat(bytes, 0);
      continue;
    }
    SmallVector<int64_t> table;
    for (int64_t byte = 0; byte < 32; ++byte)
      table.push_back(codebook.decode(byte % 16)[i] + bias);
    input = x86::PshufbOp::create(b, b.constant(bytes, table), codes);
    input = arith::AddIOp::create(
        b, Value(arith::XOrIOp::create(b, input, op.getSigns())), change);
  }
  SmallVector<Value> results;
  for (bool isUpper : {false, true}) {
    Value pairs[2], fours[2];
    for (int64_t i = 0; i < 2; ++i)
      pairs[i] = interleave(b, inputs[2 * i], inputs[2 * i + 1], 1, isUpper);
    for (int64_t i = 0; i < 2; ++i)
      fours[i] = interleave(b, pairs[0], pairs[1], 2, /*isUpper=*/i == 1);
    SmallVector<int64_t> order;
    for (int64_t half : {0, 16})
      for (int64_t vector : {0, 32})
        for (int64_t i = 0; i < 16; ++i)
          order.push_back(vector + half + i);
    results.push_back(vector::ShuffleOp::create(b, fours[0], fours[1], order));
  }
  rewriter.replaceOp(op, results);
  return success();
}

static LogicalResult lowerDotPairsToAVX2(DotPairsOp op,
                                         PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value activations = b.repeatBytes(op.getActivations(), 8);
  SmallVector<Value> halves;
  for (int64_t half = 0; half < 2; ++half) {
    Value pairs = x86::PmaddubswOp::create(
        b, b.slice(op.getWeights(), 32 * half, 32), activations);
    halves.push_back(arith::AddIOp::create(
        b, b.slice(op.getAccumulator(), 16 * half, 16), pairs));
  }
  rewriter.replaceOp(op, b.concat(halves[0], halves[1]));
  return success();
}

static LogicalResult lowerAddPairsToAVX2(AddPairsOp op,
                                         PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  Value ones = b.splat(b.vec(16, 16), 1);
  SmallVector<Value> halves;
  for (int64_t half = 0; half < 2; ++half)
    halves.push_back(arith::AddIOp::create(
        b, b.slice(op.getAccumulator(), 8 * half, 8),
        Value(x86::PmaddwdOp::create(b, b.slice(op.getPairs(), 16 * half, 16),
                                     ones))));
  rewriter.replaceOp(op, b.concat(halves[0], halves[1]));
  return success();
}

namespace {
struct LowerKernelToAVX2Pass
    : sherry::impl::LowerKernelToAVX2Base<LowerKernelToAVX2Pass> {
  void runOnOperation() override {
    if (!hasFeature(getOperation(), "+avx2"))
      return;
    keepTablesInMemory<LookupHalvesOp>(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerLookupHalvesToAVX2);
    patterns.add(lowerApplySignToAVX2);
    patterns.add(lowerDecodeBlockToAVX2);
    patterns.add(lowerDecodeNibblesToAVX2);
    patterns.add(lowerDotPairsToAVX2);
    patterns.add(lowerAddPairsToAVX2);
    patterns.add(hasFeature(getOperation(), "+avxvnni") ? lowerDotToVnni
                                                        : lowerDotToMadd);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
