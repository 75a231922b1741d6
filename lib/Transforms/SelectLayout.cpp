//===- SelectLayout.cpp - Layouts of ternary weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

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
  }
};
} // namespace
