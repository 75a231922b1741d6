//===- VerifyStage.cpp - What the stages of the pipeline promise ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

namespace sherry {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Empty if the op is legal after the stage, else what is wrong with it.
using StageRule = StringRef (*)(Operation *);

static bool hasTensors(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (auto function = dyn_cast<func::FuncOp>(op))
    return llvm::any_of(function.getArgumentTypes(), isTensor) ||
           llvm::any_of(function.getResultTypes(), isTensor);
  return llvm::any_of(op->getOperandTypes(), isTensor) ||
         llvm::any_of(op->getResultTypes(), isTensor);
}

static StringRef checkSherry(Operation *op) {
  if (isa<ModuleOp, func::FuncOp, func::CallOp, func::ReturnOp, scf::ForOp,
          scf::YieldOp, arith::ConstantOp, arith::AddFOp, tensor::DimOp,
          tensor::ExtractSliceOp>(op))
    return {};
  if (isa_and_nonnull<SherryDialect>(op->getDialect()) &&
      (isa<WeightOp, UpdateCacheOp>(op) || hasTensors(op)))
    return {};
  return "is no step of a graph";
}

static StringRef checkLayout(Operation *op) {
  if (auto weight = dyn_cast<WeightOp>(op)) {
    if (weight.getTernary() && !weight.getTernary().getLayout())
      return "has no layout";
    if (!weight.getOffset())
      return "has no place in the weights section";
  }
  if (isa<func::FuncOp>(op) &&
      !op->hasAttr(SherryDialect::MaxTokensAttrHelper::getNameStr()))
    return "is not specialized for a number of tokens";
  return checkSherry(op);
}

static StringRef checkKernel(Operation *op) {
  if (isa<WeightOp>(op))
    return {};
  if (hasTensors(op))
    return "still works on tensors";
  if (op->getName().getStringRef() == "memref.alloc")
    return "allocates memory";
  if (isa<scf::ParallelOp>(op))
    return "is not divided among the team";
  return {};
}

static StringRef checkLLVM(Operation *op) {
  if (isa<ModuleOp, WeightOp>(op) ||
      isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return {};
  return "is not in the LLVM dialect";
}

namespace {
struct VerifyStagePass : sherry::impl::VerifyStageBase<VerifyStagePass> {
  using VerifyStageBase::VerifyStageBase;

  void runOnOperation() override {
    StageRule rule = nullptr;
    for (auto [name, candidate] :
         {std::pair<StringRef, StageRule>("sherry", checkSherry),
          {"layout", checkLayout},
          {"kernel", checkKernel},
          {"llvm-mlir", checkLLVM}})
      if (stage == name)
        rule = candidate;
    if (!rule) {
      getOperation().emitError("stage must be sherry, layout, kernel or "
                               "llvm-mlir, not '")
          << stage << "'";
      return signalPassFailure();
    }
    bool isBroken = false;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      StringRef problem = rule(op);
      if (problem.empty())
        return;
      op->emitOpError(problem) << " after stage '" << stage << "'";
      isBroken = true;
    });
    if (isBroken || failed(verify(getOperation())))
      return signalPassFailure();
    SherryDialect::StageAttrHelper(&getContext())
        .setAttr(getOperation(), StringAttr::get(&getContext(), stage));
  }
};
} // namespace
