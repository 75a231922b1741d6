//===- ObjectEmitter.cpp - LLVM IR to machine code ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/ObjectEmitter.h"
#include "sherry-abi/limits.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace sherry;

Expected<ObjectEmitter> ObjectEmitter::create(const TargetModel &target) {
  InitializeAllTargetInfos();
  InitializeAllTargets();
  InitializeAllTargetMCs();
  InitializeAllAsmPrinters();
  const InstructionSet &isa = target.getInstructionSet();
  Triple triple(isa.triple);
  std::string error;
  const Target *backend = TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return createStringError("LLVM cannot generate " + isa.name +
                             " code: " + error);
  ObjectEmitter emitter;
  emitter.target = target;
  // Functions have their own features.
  emitter.machine.reset(backend->createTargetMachine(
      triple, isa.baseCpu, /*Features=*/"", TargetOptions(), Reloc::PIC_,
      CodeModel::Small, CodeGenOptLevel::Aggressive));
  return emitter;
}

/// Sets all attributes of the target on which the code of a function depends.
/// The CPU is the base CPU plus features of our table, so that the model lists
/// exactly the features that it needs; the CPU's own name only guides the
/// scheduling of instructions.
static void setAttributes(Function &function, const TargetModel &target) {
  function.addFnAttr("no-builtins");
  function.addFnAttr(Attribute::NoUnwind);
  function.addFnAttr("target-cpu", target.getInstructionSet().baseCpu);
  // Makes LLVM report every frame.
  function.addFnAttr("warn-stack-size", "0");
  if (function.hasFnAttribute(kBaselineAttribute))
    return;
  function.addFnAttr("tune-cpu", target.cpu);
  function.addFnAttr("target-features", target.getFeatureString());
  if (unsigned bits = target.getVectorBits()) {
    function.addFnAttr("prefer-vector-width", std::to_string(bits));
    function.addFnAttr("min-legal-vector-width", std::to_string(bits));
  }
}

void ObjectEmitter::optimize(Module &module) const {
  Triple triple = machine->getTargetTriple();
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  for (Function &function : module)
    if (!function.isDeclaration())
      setAttributes(function, target);

  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  // Kernels are vector code already; vectorizing and unrolling the few scalar
  // loops would only add code.
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  PassBuilder builder(machine.get(), tuning);
  TargetLibraryInfoImpl library(triple);
  library.disableAllFunctions();
  functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
}

namespace {
using FrameSizes = DenseMap<const Function *, uint64_t>;

/// Records the sizes of stack frames.
struct FrameRecorder : DiagnosticHandler {
  explicit FrameRecorder(FrameSizes &frames) : frames(frames) {}

  bool handleDiagnostics(const DiagnosticInfo &info) override {
    const auto *frame = dyn_cast<DiagnosticInfoStackSize>(&info);
    if (frame)
      frames[&frame->getFunction()] = frame->getStackSize();
    return frame;
  }

  FrameSizes &frames;
};
} // namespace

/// Most bytes of stack that a call of `function` takes; no function calls
/// itself. `depths` has the known results.
static uint64_t depthOf(const Function &function, const FrameSizes &frames,
                        FrameSizes &depths) {
  if (auto known = depths.find(&function); known != depths.end())
    return known->second;
  uint64_t callees = 0;
  for (const Instruction &instruction : instructions(function))
    if (const auto *call = dyn_cast<CallBase>(&instruction))
      if (const Function *callee = call->getCalledFunction())
        callees = std::max(callees, depthOf(*callee, frames, depths));
  return depths[&function] = callees + frames.lookup(&function);
}

Error ObjectEmitter::emit(Module &module, raw_pwrite_stream &out,
                          CodeGenFileType type) const {
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr, type))
    return createStringError("LLVM cannot emit this kind of file");
  FrameSizes frames, depths;
  module.getContext().setDiagnosticHandler(
      std::make_unique<FrameRecorder>(frames));
  passes.run(module);
  module.getContext().setDiagnosticHandler(nullptr);
  for (const Function &function : module) {
    uint64_t stack = depthOf(function, frames, depths);
    if (stack > SHERRY_ABI_MAX_STACK)
      return createStringError("the function " + function.getName() +
                               " takes " + Twine(stack) +
                               " bytes of stack, at most " +
                               Twine(SHERRY_ABI_MAX_STACK) + " are possible");
  }
  return Error::success();
}
