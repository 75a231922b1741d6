//===- ApplyAbi.cpp - Functions in the form of the ABI --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sherry {
#define GEN_PASS_DEF_APPLYABI
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// A step becomes a loop: the body runs as long as the thread gets a range.
static void lowerStep(StepOp step, int32_t number) {
  ImplicitLocOpBuilder b(step.getLoc(), step);
  Type index = b.getIndexType();
  auto loop = scf::WhileOp::create(b, TypeRange{index, index}, ValueRange());
  b.createBlock(&loop.getBefore());
  auto take = TakeOp::create(b, index, index, step.getTeam(), step.getCount(),
                             step.getGrain(), number);
  Value isRange = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                        take.getBegin(), take.getEnd());
  scf::ConditionOp::create(b, isRange, take.getResults());
  loop.getAfter().takeBody(step.getBody());
  b.setInsertionPointToEnd(&loop.getAfter().front());
  scf::YieldOp::create(b);
  step.erase();
}

namespace {
struct ApplyAbiPass : sherry::impl::ApplyAbiBase<ApplyAbiPass> {
  void runOnOperation() override {
    Builder b(&getContext());
    SmallVector<Attribute> described;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      function->setAttr("llvm.bareptr", b.getUnitAttr());
      SmallVector<StepOp> steps;
      function.walk([&](StepOp step) { steps.push_back(step); });
      for (StepOp step : steps) {
        int32_t number = -1;
        if (DictionaryAttr description = step.getStepAttr()) {
          NamedAttrList entries(description);
          entries.set("entry", function.getNameAttr());
          number = static_cast<int32_t>(described.size());
          described.push_back(entries.getDictionary(&getContext()));
        }
        lowerStep(step, number);
      }
    }
    SherryDialect::StepsAttrHelper(&getContext())
        .setAttr(getOperation(), b.getArrayAttr(described));
  }
};
} // namespace
