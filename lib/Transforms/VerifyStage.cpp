//===- VerifyStage.cpp - Promises of the pipeline's stages ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/SherryToLoops.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

namespace sherry {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Returns an empty text if the op is legal after the stage, else the problem.
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
  if (isa<ModuleOp>(op))
    return op->getParentOp() ? "is inside another module" : "";
  if (isa<func::FuncOp, func::CallOp, func::ReturnOp, scf::ForOp, scf::YieldOp,
          arith::ConstantOp, arith::AddFOp, tensor::DimOp,
          tensor::ExtractSliceOp>(op))
    return {};
  Dialect *dialect = op->getDialect();
  if (isa_and_nonnull<SherryDialect>(dialect) &&
      (isa<WeightOp, UpdateCacheOp>(op) || hasTensors(op)))
    return {};
  // An op of another project.
  if (dialect &&
      dialect->getRegisteredInterface<ConvertToLoopsPatternInterface>() &&
      hasTensors(op))
    return {};
  return "is not a step of a graph";
}

/// Empty if the function takes a number of tokens that an entry point has.
static StringRef checkTokens(Operation *function) {
  auto tokens = SherryDialect::MaxTokensAttrHelper(function->getContext())
                    .getAttr(function);
  if (!tokens)
    return "is not specialized for a number of tokens";
  auto module = function->getParentOfType<ModuleOp>();
  return llvm::any_of(getEntryPoints(getSchedule(module).getSchedule()),
                      [&](const EntryPoint &entry) {
                        return entry.maxTokens == tokens.getInt();
                      })
             ? ""
             : "takes a number of tokens of no entry point of sherry.schedule";
}

static StringRef checkWeight(WeightOp weight) {
  if (weight.getTernary() && !weight.getTernary().getLayout())
    return "has no layout";
  if (!weight.getOffset())
    return "has no offset in the weights section";
  if (weight.getRanks() && static_cast<int64_t>(*weight.getRanks()) !=
                               getRanks(weight->getParentOfType<ModuleOp>()))
    return "is cut among another number of ranks than sherry.ranks";
  return "";
}

/// Empty if the op picks rows of an embedding that the same ranks have cut in
/// the same way, else the problem: the code would read rows that do not exist.
static StringRef checkPick(PickOwnedOp pick) {
  auto gather = pick.getInput().getDefiningOp<AllGatherOp>();
  auto embedding =
      gather ? gather.getInput().getDefiningOp<EmbeddingOp>() : EmbeddingOp();
  auto weight = embedding ? SymbolTable::lookupNearestSymbolFrom<WeightOp>(
                                embedding, embedding.getWeightAttr())
                          : WeightOp();
  if (!weight || weight.getRows().size() != 1 ||
      weight.getRows().front() != static_cast<int64_t>(pick.getRows()))
    return "does not pick rows of an embedding with this number of rows per "
           "rank";
  return pick.getRanks() == weight.getRanks()
             ? ""
             : "picks from another number of ranks than the embedding has";
}

static StringRef checkLayout(Operation *op) {
  if (auto pick = dyn_cast<PickOwnedOp>(op))
    if (StringRef problem = checkPick(pick); !problem.empty())
      return problem;
  if (auto gather = dyn_cast<AllGatherOp>(op);
      gather && gather.getRanks() != getRanks(op->getParentOfType<ModuleOp>()))
    return "gathers from another number of ranks than sherry.ranks";
  if (auto weight = dyn_cast<WeightOp>(op))
    return checkWeight(weight);
  if (isa<func::FuncOp>(op))
    if (StringRef problem = checkTokens(op); !problem.empty())
      return problem;
  return checkSherry(op);
}

static StringRef checkBuffers(Operation *op) {
  if (auto weight = dyn_cast<WeightOp>(op))
    return checkWeight(weight);
  if (isa<ModuleOp>(op))
    return checkSherry(op);
  if (hasTensors(op))
    return "still works on tensors";
  return isa<func::FuncOp>(op) ? checkTokens(op) : "";
}

static StringRef checkLoops(Operation *op) {
  if (isa<StepOp>(op))
    return "divides work before loops are divided";
  return checkBuffers(op);
}

static StringRef checkKernel(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (name == "memref.alloc")
    return "allocates memory";
  if (name == "affine.parallel")
    return "is not divided among the team";
  if (isa<UnpackCodesOp, LookupCodesOp>(op))
    return "is not expanded";
  return checkBuffers(op);
}

static StringRef checkLLVM(Operation *op) {
  if (auto weight = dyn_cast<WeightOp>(op))
    return checkWeight(weight);
  if (isa<ModuleOp>(op))
    return checkSherry(op);
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
    return function.isExternal() ? "" : checkTokens(op);
  if (isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return {};
  return "is not in the LLVM dialect";
}

/// Checks that weights follow each other in the section.
static StringRef checkPlaces(ModuleOp module) {
  auto size =
      SherryDialect::WeightsSizeAttrHelper(module.getContext()).getAttr(module);
  if (!size)
    return "has no sherry.weights_size";
  int64_t end = 0;
  for (auto weight : module.getOps<WeightOp>()) {
    if (!checkWeight(weight).empty())
      continue; // reported elsewhere
    int64_t offset = *weight.getOffset(), stride = *weight.getStride(), last;
    if (offset < end || stride < weight.getByteSize() ||
        llvm::MulOverflow<int64_t>(weight.getCount() - 1, stride, last) ||
        llvm::AddOverflow(last, offset, last) ||
        llvm::AddOverflow(last, weight.getByteSize(), end) ||
        end > size.getInt())
      return "has weights that overlap or exceed sherry.weights_size";
  }
  return "";
}

/// Checks that caches have the type in the description for the runtime.
static StringRef checkCaches(ModuleOp module) {
  KVCacheType cache = getCache(module);
  for (auto function : module.getOps<func::FuncOp>())
    for (Type type : function.getArgumentTypes())
      if (cache && isa<KVCacheType>(type) && type != cache)
        return "has functions on a cache other than sherry.cache";
  return "";
}

static StringRef checkSteps(ModuleOp module) {
  auto steps =
      SherryDialect::StepsAttrHelper(module.getContext()).getAttr(module);
  if (!steps)
    return "has no sherry.steps";
  SymbolTable symbols(module);
  for (auto step : steps.getAsRange<DictionaryAttr>()) {
    Attribute weight = step.get("weight");
    auto name = dyn_cast_or_null<FlatSymbolRefAttr>(weight);
    if (!isa_and_nonnull<StringAttr>(step.get("entry")) ||
        !isa_and_nonnull<StringAttr>(step.get("op")) ||
        (weight && (!name || !symbols.lookup<WeightOp>(name.getValue()))))
      return "has a step in sherry.steps without entry, op or valid weight";
  }
  return "";
}

/// Checks the promises of a stage for the module as a whole.
static StringRef checkModule(ModuleOp module, StringRef stage) {
  if (stage == "sherry")
    return checkCaches(module);
  if (StringRef problem = checkPlaces(module); !problem.empty())
    return problem;
  if (stage == "layout")
    return checkCaches(module);
  if (stage == "loops")
    return "";
  if (!SherryDialect::WorkspaceSizeAttrHelper(module.getContext())
           .isAttrPresent(module))
    return "has no sherry.workspace_size";
  if (!SherryDialect::ThreadWorkspaceSizeAttrHelper(module.getContext())
           .isAttrPresent(module))
    return "has no sherry.thread_workspace_size";
  return stage == "llvm-mlir" ? checkSteps(module) : "";
}

namespace {
struct VerifyStagePass : sherry::impl::VerifyStageBase<VerifyStagePass> {
  using VerifyStageBase::VerifyStageBase;

  void runOnOperation() override {
    StageRule rule = nullptr;
    for (auto [name, candidate] :
         {std::pair<StringRef, StageRule>("sherry", checkSherry),
          {"layout", checkLayout},
          {"loops", checkLoops},
          {"kernel", checkKernel},
          {"llvm-mlir", checkLLVM}})
      if (stage == name)
        rule = candidate;
    if (!rule) {
      getOperation().emitError("stage must be one of ")
          << llvm::join(ArrayRef(kStageNames), ", ") << ", not '" << stage
          << "'";
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
    if (StringRef problem = checkModule(getOperation(), stage);
        !problem.empty()) {
      getOperation().emitOpError(problem) << " after stage '" << stage << "'";
      isBroken = true;
    }
    if (isBroken || failed(verify(getOperation())))
      return signalPassFailure();
    SherryDialect::StageAttrHelper(&getContext())
        .setAttr(getOperation(), StringAttr::get(&getContext(), stage));
  }
};
} // namespace
