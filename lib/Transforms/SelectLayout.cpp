//===- SelectLayout.cpp - Layouts of ternary weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherrySteps.h"
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
      ++numLayouts;
    }
    SymbolTable symbols(module);
    SherryDialect::MaxTokensAttrHelper maxTokens(&getContext());
    for (auto function : module.getOps<func::FuncOp>())
      if (auto tokens = maxTokens.getAttr(function);
          tokens && schedule.getSchedule().looksUp(tokens.getInt()))
        function.walk([&](LinearOp op) {
          askForTables(op, symbols,
                       tokens.getInt() <= schedule.getLookupTokens());
        });
  }

  /// Gives the quantized input of `op` tables for the weight's codes.
  void askForTables(LinearOp op, SymbolTable &symbols, bool areFewTokens) {
    TernaryAttr ternary = symbols.lookup<WeightOp>(op.getWeight()).getTernary();
    Operation *source = op.getInput().getDefiningOp();
    QuantizedAttr encoding = op.getInputEncoding();
    if (!ternary || !encoding || encoding.getTables() ||
        !isa_and_nonnull<QuantizeActivationsOp, AllGatherOp>(source))
      return;
    // With many tokens, a lookup of fewer inputs takes longer than a product of
    // four.
    if (!areFewTokens &&
        ternary.getCodebook().getCodebook().inputs < format::kDotInputs)
      return;
    CodeOrder order = ternary.getLayout().getOrder();
    RankedTensorType type = op.getInput().getType();
    type = RankedTensorType::get(
        type.getShape(), type.getElementType(),
        encoding.withTables(order, ternary.getCodebook()));
    // Weights with other codes keep their own quantization. All are ternary, as
    // this one, because the encoding is the same.
    auto isServed = [&](Operation *user) {
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear)
        return false;
      TernaryAttr other =
          symbols.lookup<WeightOp>(linear.getWeight()).getTernary();
      return other.getLayout().getOrder() == order &&
             other.getCodebook() == ternary.getCodebook();
    };
    OpBuilder b(source);
    Value withTables = b.clone(*source)->getResult(0);
    withTables.setType(type);
    op.getInput().replaceUsesWithIf(
        withTables, [&](OpOperand &use) { return isServed(use.getOwner()); });
    if (source->use_empty())
      source->erase();
  }
};
} // namespace
