//===- SelectLayout.cpp - Layouts of ternary weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sherry {
#define GEN_PASS_DEF_SELECTLAYOUT
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct SelectLayoutPass : sherry::impl::SelectLayoutBase<SelectLayoutPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ScheduleAttr schedule = getSchedule(module);
    auto layout = LayoutAttr::get(&getContext(), schedule.getOrder(),
                                  schedule.getInterleave());
    for (auto weight : module.getOps<WeightOp>()) {
      TernaryAttr ternary = weight.getTernary();
      if (!ternary || ternary.getLayout())
        continue;
      RankedTensorType type = weight.getTensorType();
      weight.setTypeAttr(TypeAttr::get(RankedTensorType::get(
          type.getShape(), type.getElementType(), ternary.withLayout(layout))));
    }
    SymbolTable symbols(module);
    SherryDialect::MaxTokensAttrHelper maxTokens(&getContext());
    for (auto function : module.getOps<func::FuncOp>())
      if (auto tokens = maxTokens.getAttr(function);
          tokens && tokens.getInt() <= schedule.getLookupTokens())
        function.walk([&](LinearOp op) { askForTables(op, symbols); });
  }

  /// Makes the quantized input of `op`, which has few tokens, one with tables
  /// for the weight's codes.
  void askForTables(LinearOp op, SymbolTable &symbols) {
    TernaryAttr ternary = symbols.lookup<WeightOp>(op.getWeight()).getTernary();
    auto quantize = op.getInput().getDefiningOp<QuantizeActivationsOp>();
    if (!ternary || !quantize || quantize.getEncoding().getTables())
      return;
    CodeOrder order = ternary.getLayout().getOrder();
    RankedTensorType type = quantize.getType();
    type = RankedTensorType::get(
        type.getShape(), type.getElementType(),
        quantize.getEncoding().withTables(order, ternary.getCodebook()));
    // Weights with other codes, or without, keep a quantization of their own.
    auto isServed = [&](Operation *user) {
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear)
        return false;
      TernaryAttr other =
          symbols.lookup<WeightOp>(linear.getWeight()).getTernary();
      return other && other.getLayout().getOrder() == order &&
             other.getCodebook() == ternary.getCodebook();
    };
    OpBuilder b(quantize);
    auto withTables = QuantizeActivationsOp::create(b, quantize.getLoc(), type,
                                                    quantize.getInput());
    quantize.getResult().replaceUsesWithIf(
        withTables.getResult(),
        [&](OpOperand &use) { return isServed(use.getOwner()); });
    if (quantize.use_empty())
      quantize.erase();
  }
};
} // namespace
