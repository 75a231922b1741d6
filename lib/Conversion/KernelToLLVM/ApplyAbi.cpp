//===- ApplyAbi.cpp - What the ABI wants of functions ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace sherry {
#define GEN_PASS_DEF_APPLYABI
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct ApplyAbiPass : sherry::impl::ApplyAbiBase<ApplyAbiPass> {
  void runOnOperation() override {
    Builder b(&getContext());
    SmallVector<Attribute> steps;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      function->setAttr("llvm.bareptr", b.getUnitAttr());
      function.walk([&](BarrierOp barrier) {
        DictionaryAttr step = barrier.getStepAttr();
        barrier.setNumber(-1);
        if (!step)
          return;
        NamedAttrList entries(step);
        entries.set("entry", function.getNameAttr());
        barrier.setNumber(static_cast<int32_t>(steps.size()));
        steps.push_back(entries.getDictionary(&getContext()));
      });
    }
    SherryDialect::StepsAttrHelper(&getContext())
        .setAttr(getOperation(), b.getArrayAttr(steps));
  }
};
} // namespace
