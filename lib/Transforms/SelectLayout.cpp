//===- SelectLayout.cpp - Layouts of ternary weights by target ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace sherry {
#define GEN_PASS_DEF_SELECTLAYOUT
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct SelectLayoutPass : sherry::impl::SelectLayoutBase<SelectLayoutPass> {
  using SelectLayoutBase::SelectLayoutBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<CodeOrder> chosen = symbolizeCodeOrder(order);
    if (!chosen && order != "auto") {
      module.emitError("order must be auto, words or nibbles, not '")
          << order << "'";
      return signalPassFailure();
    }
    auto target = module->getAttrOfType<LLVM::TargetAttr>(
        LLVM::LLVMDialect::getTargetAttrName());
    auto has = [&](StringRef feature) {
      return target && target.getFeatures() &&
             target.getFeatures().contains(feature);
    };
    if (!chosen)
      chosen = has("+avx2") && !has("+avx512bw") ? CodeOrder::Nibbles
                                                 : CodeOrder::Words;
    int64_t tiles = interleave;
    if (tiles == 0)
      tiles = has("+avx2") ? 4 : 1;
    auto layout = LayoutAttr::getChecked([&] { return module.emitError(); },
                                         &getContext(), *chosen, tiles);
    if (!layout)
      return signalPassFailure();
    for (auto weight : module.getOps<WeightOp>()) {
      TernaryAttr ternary = weight.getTernary();
      if (!ternary || ternary.getLayout())
        continue;
      RankedTensorType type = weight.getTensorType();
      weight.setTypeAttr(TypeAttr::get(RankedTensorType::get(
          type.getShape(), type.getElementType(), ternary.withLayout(layout))));
    }
  }
};
} // namespace
