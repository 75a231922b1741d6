//===- FuseSwiGLU.cpp - Gates applied while their tiles are in the cache --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sherry {
#define GEN_PASS_DEF_FUSESWIGLU
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Most bytes of gated outputs of all tokens that a thread keeps: a part of its
/// second-level cache, and of its stack.
static constexpr int64_t kLargestUnitBytes = 1 << 18;

/// The linear op whose outputs from `column` on are `value`, if `value` is half
/// of the outputs and has no other reader.
static LinearOp findLinear(Value value, int64_t column) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || !slice->hasOneUse() || slice.getStaticOffsets()[0] != 0 ||
      llvm::any_of(slice.getStaticStrides(),
                   [](int64_t s) { return s != 1; }) ||
      slice.getStaticOffsets()[1] != column)
    return nullptr;
  return slice.getSource().getDefiningOp<LinearOp>();
}

namespace {
struct FuseSwiGLUPass : sherry::impl::FuseSwiGLUBase<FuseSwiGLUPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto tokens =
          SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(function);
      // With one token, results are few.
      if (!tokens || tokens.getInt() <= 1)
        continue;
      SmallVector<QuantizeActivationsOp> candidates;
      function.walk(
          [&](QuantizeActivationsOp op) { candidates.push_back(op); });
      for (QuantizeActivationsOp op : candidates)
        fuse(op, tokens.getInt(), symbols);
    }
  }

  void fuse(QuantizeActivationsOp quantize, int64_t tokens,
            SymbolTable &symbols) {
    auto swiglu = quantize.getInput().getDefiningOp<SwiGLUOp>();
    // Scales of whole tokens need all outputs first.
    if (!swiglu || !swiglu->hasOneUse() || quantize.getEncoding().getPerToken())
      return;
    int64_t outputs = swiglu.getType().getDimSize(1);
    LinearOp linear = findLinear(swiglu.getGate(), 0);
    if (!linear || linear != findLinear(swiglu.getUp(), outputs) ||
        !linear.getInputEncoding() ||
        // Lookups of few tokens read weights in order.
        (linear.getInputEncoding().getTables() &&
         tokens <= getSchedule(getOperation()).getLookupTokens()) ||
        linear->getBlock() != quantize->getBlock() || linear.getResidual() ||
        linear.getType().getDimSize(1) != 2 * outputs ||
        !linear.getResult().hasNUses(2))
      return;
    auto weight = symbols.lookup<WeightOp>(linear.getWeight());
    int64_t unit = getGatedUnit(weight.getTernary(), outputs,
                                quantize.getEncoding().getBlocks());
    if (unit == 0 || unit > kLargestUnitBytes / 4 / tokens)
      return;
    ++numFused;
    OpBuilder b(quantize);
    auto fused = GatedLinearOp::create(
        b, b.getFusedLoc({linear.getLoc(), swiglu.getLoc()}),
        quantize.getType(), linear.getInput(), linear.getWeightAttr(),
        linear.getLayer(), swiglu.getActivationAttr());
    Operation *halves[] = {swiglu.getGate().getDefiningOp(),
                           swiglu.getUp().getDefiningOp()};
    quantize->replaceAllUsesWith(fused);
    quantize->erase();
    swiglu->erase();
    for (Operation *half : halves)
      half->erase();
    linear->erase();
  }
};
} // namespace
