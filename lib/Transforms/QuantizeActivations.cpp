//===- QuantizeActivations.cpp - 8-bit activations for linear ops ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

namespace sherry {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The quantization of `input` in these blocks and this order that already
/// stands in the block of `user` before it, if any.
static QuantizeActivationsOp findShared(Value input, ArrayRef<int64_t> blocks,
                                        bool strided, Operation *user) {
  for (Operation *other : input.getUsers()) {
    auto quantize = dyn_cast<QuantizeActivationsOp>(other);
    if (quantize && quantize.getBlocks() == blocks &&
        quantize.getStrided() == strided &&
        quantize->getBlock() == user->getBlock() &&
        quantize->isBeforeInBlock(user))
      return quantize;
  }
  return nullptr;
}

namespace {
struct QuantizeActivationsPass
    : sherry::impl::QuantizeActivationsBase<QuantizeActivationsPass> {
  void runOnOperation() override {
    if (getNumerics(getOperation()).getActivations().isF32())
      return;
    SymbolTable symbols(getOperation());
    getOperation().walk([&](LinearOp op) {
      auto weight = symbols.lookup<WeightOp>(op.getWeight());
      SmallVector<int64_t> blocks = getActivationBlocks(weight.getTensorType());
      if (op.getScales() || blocks.empty())
        return;
      ++numQuantized;
      Value input = op.getInput();
      bool strided = hasStridedGroups(weight.getTensorType());
      QuantizeActivationsOp quantize = findShared(input, blocks, strided, op);
      if (quantize) {
        ++numShared;
      } else {
        OpBuilder b(op);
        auto type = cast<RankedTensorType>(input.getType());
        SmallVector<int64_t> scales{type.getDimSize(0),
                                    static_cast<int64_t>(blocks.size())};
        quantize = QuantizeActivationsOp::create(
            b, op.getLoc(), type.clone(b.getI8Type()),
            RankedTensorType::get(scales, b.getF32Type()),
            RankedTensorType::get(scales, b.getI32Type()), input, blocks,
            strided);
      }
      op.getInputMutable().assign(quantize.getValues());
      op.getScalesMutable().assign(quantize.getScales());
      op.getSumsMutable().assign(quantize.getSums());
    });
  }
};
} // namespace
