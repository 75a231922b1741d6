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

namespace {
struct QuantizeActivationsPass
    : sherry::impl::QuantizeActivationsBase<QuantizeActivationsPass> {
  void runOnOperation() override {
    if (getNumerics(getOperation()).getActivations().isF32())
      return;
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](LinearOp op) { quantize(op, symbols); });
  }

  void quantize(LinearOp op, SymbolTable &symbols) {
    auto weight = symbols.lookup<WeightOp>(op.getWeight());
    QuantizedAttr encoding = getActivationEncoding(weight.getTensorType());
    if (op.getInputEncoding() || !encoding)
      return;
    ++numQuantized;
    if (weight.getTernary() && getNumerics(getOperation()).getPerToken())
      encoding = encoding.withScalesPerToken();
    OpBuilder b(op);
    RankedTensorType type = op.getInput().getType();
    op.getInputMutable().assign(QuantizeActivationsOp::create(
        b, op.getLoc(),
        RankedTensorType::get(type.getShape(), b.getI8Type(), encoding),
        op.getInput()));
  }
};
} // namespace
