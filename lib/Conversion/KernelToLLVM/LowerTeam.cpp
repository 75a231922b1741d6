//===- LowerTeam.cpp - Team ops to loads and calls ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace sherry {
#define GEN_PASS_DEF_LOWERTEAM
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The field of a `sherry_abi_team` at byte `offset`.
static Value loadField(ImplicitLocOpBuilder &b, Value team, size_t offset,
                       Type type) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address =
      LLVM::GEPOp::create(b, pointer, b.getI8Type(), team,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(b, type, address);
}

/// Appends the step that ends at a barrier to `steps`; returns its index, or -1
/// if it has no description.
static int32_t addStep(BarrierOp barrier, SmallVectorImpl<Attribute> &steps) {
  DictionaryAttr step = barrier.getStepAttr();
  if (!step)
    return -1;
  NamedAttrList entries(step);
  entries.set("entry", barrier->getParentOfType<func::FuncOp>().getNameAttr());
  steps.push_back(entries.getDictionary(barrier.getContext()));
  return static_cast<int32_t>(steps.size()) - 1;
}

static void lowerOp(Operation *op, SmallVectorImpl<Attribute> &steps) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value team = op->getOperand(0);
  auto loadIndex = [&](size_t offset) {
    Value number = loadField(b, team, offset, b.getI64Type());
    Value index = arith::IndexCastOp::create(b, b.getIndexType(), number);
    op->getResult(0).replaceAllUsesWith(index);
  };
  if (isa<ThreadOp>(op)) {
    loadIndex(offsetof(sherry_abi_team, thread));
  } else if (isa<NumThreadsOp>(op)) {
    loadIndex(offsetof(sherry_abi_team, n_threads));
  } else {
    Value barrier = loadField(b, team, offsetof(sherry_abi_team, barrier),
                              LLVM::LLVMPointerType::get(b.getContext()));
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                    {team.getType(), b.getI32Type()});
    Value step = arith::ConstantIntOp::create(
        b, addStep(cast<BarrierOp>(op), steps), 32);
    LLVM::CallOp::create(b, type, ValueRange{barrier, team, step});
  }
  op->erase();
}

namespace {
struct LowerTeamPass : sherry::impl::LowerTeamBase<LowerTeamPass> {
  void runOnOperation() override {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto convert = [&](Type type) -> Type {
      return isa<TeamType>(type) ? pointer : type;
    };
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (auto function = dyn_cast<func::FuncOp>(op)) {
        SmallVector<Type> inputs, results;
        for (Type type : function.getArgumentTypes())
          inputs.push_back(convert(type));
        for (Type type : function.getResultTypes())
          results.push_back(convert(type));
        function.setType(FunctionType::get(&getContext(), inputs, results));
      }
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument arg : block.getArguments())
            arg.setType(convert(arg.getType()));
      for (OpResult result : op->getResults())
        result.setType(convert(result.getType()));
      if (isa<ThreadOp, NumThreadsOp, BarrierOp>(op))
        ops.push_back(op);
    });
    SmallVector<Attribute> steps;
    for (Operation *op : ops)
      lowerOp(op, steps);
    SherryDialect::StepsAttrHelper(&getContext())
        .setAttr(getOperation(), ArrayAttr::get(&getContext(), steps));
  }
};
} // namespace
