//===- AttachTarget.cpp - The target as data on a module ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Transforms/AttachTarget.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace sherry {
#define GEN_PASS_DEF_ATTACHTARGET
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

static void setFuseMulAdd(ModuleOp module, bool value) {
  MLIRContext *context = module.getContext();
  SherryDialect::NumericsAttrHelper(context).setAttr(
      module, NumericsAttr::get(context, getNumerics(module).getActivations(),
                                getNumerics(module).getPerToken(), value));
}

void sherry::attachTarget(ModuleOp module, const TargetModel &target,
                          const Schedule &schedule, bool emulatesFma) {
  MLIRContext *context = module.getContext();
  StringRef triple = target.getInstructionSet().triple;
  module->setAttr(
      LLVM::LLVMDialect::getTargetAttrName(),
      LLVM::TargetAttr::get(
          context, StringAttr::get(context, triple),
          StringAttr::get(context, target.cpu),
          LLVM::TargetFeaturesAttr::get(context, target.getFeatureNames())));
  SherryDialect::ScheduleAttrHelper(context).setAttr(
      module, ScheduleAttr::get(context, schedule));
  setFuseMulAdd(module, emulatesFma || target.hasFusedMultiplyAdd());
}

namespace {
struct AttachTargetPass : sherry::impl::AttachTargetBase<AttachTargetPass> {
  using AttachTargetBase::AttachTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto stage = SherryDialect::StageAttrHelper(&getContext()).getAttr(module);
    if (stage && stage != "sherry" && stage != "layout") {
      module.emitError("the stage '")
          << stage.getValue() << "' is made for its target; attach another one "
          << "before the stage 'loops'";
      return signalPassFailure();
    }
    ScheduleAttr before = getSchedule(module);
    if (!cpu.empty()) {
      llvm::Expected<TargetModel> target = TargetModel::get(cpu);
      if (!target) {
        module.emitError() << llvm::toString(target.takeError());
        return signalPassFailure();
      }
      attachTarget(module, *target, target->getSchedule(),
                   /*emulatesFma=*/false);
    }
    ScheduleAttr schedule = getSchedule(module);
    auto pick = [](const auto &option, auto value) {
      return option.hasValue() ? option.getValue() : value;
    };
    schedule = ScheduleAttr::getChecked(
        [&] { return module.emitError(); }, &getContext(),
        pick(maxBlock, schedule.getMaxBlock()),
        pick(prefetch, schedule.getPrefetch()),
        pick(prefetchL2, schedule.getPrefetchL2()),
        pick(prefetchPlain, schedule.getPrefetchPlain()),
        pick(interleave, schedule.getInterleave()),
        pick(order, schedule.getOrder()),
        pick(lookupTokens, schedule.getLookupTokens()),
        pick(lookupBlock, schedule.getLookupBlock()),
        pick(sumTokens, schedule.getSumTokens()),
        pick(pairSums, schedule.getPairSums()),
        pick(fuseUnpack, schedule.getFuseUnpack()),
        pick(multiplyPanels, schedule.getMultiplyPanels()));
    if (!schedule)
      return signalPassFailure();
    if (stage && stage == "layout" &&
        (schedule.getMaxBlock() != before.getMaxBlock() ||
         schedule.getInterleave() != before.getInterleave() ||
         schedule.getOrder() != before.getOrder() ||
         schedule.getLookupTokens() != before.getLookupTokens() ||
         schedule.getLookupBlock() != before.getLookupBlock())) {
      module.emitError("max_block, interleave, order, lookup_tokens and "
                       "lookup_block are fixed after the stage 'layout': ")
          << before << " would become " << schedule;
      return signalPassFailure();
    }
    SherryDialect::ScheduleAttrHelper(&getContext()).setAttr(module, schedule);
    if (fuseMulAdd.hasValue())
      setFuseMulAdd(module, fuseMulAdd);
  }
};
} // namespace
