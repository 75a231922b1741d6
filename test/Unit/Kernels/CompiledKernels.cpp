//===- CompiledKernels.cpp - Linear kernels of one lowering ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CompiledKernels.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/InitAll.h"
#include "sherry/Pipelines/Pipelines.h"
#include "sherry/Target/Linker.h"
#include "sherry/Target/ObjectEmitter.h"
#include "sherry/Transforms/AttachTarget.h"
#include "sherry/sherry.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace sherry;
using llvm::Error;
using llvm::Expected;

//===----------------------------------------------------------------------===//
// Lowerings
//===----------------------------------------------------------------------===//

const std::vector<Lowering> sherry::kLowerings = {
    {"Generic", "x86-64-v2", 0},
    {"AVX2", "x86-64-v3", 0},
    {"AVX2VNNI", "x86-64-v3", uint64_t(1) << SHERRY_CPU_AVXVNNI, false,
     /*better=*/"AVX512"},
    {"AVX512", "x86-64-v4", 0, false, /*better=*/"AVX512VNNI"},
    {"AVX512VNNI", "x86-64-v4", uint64_t(1) << SHERRY_CPU_AVX512VNNI},
    {"AMX", "x86-64-v4",
     uint64_t(1) << SHERRY_CPU_AVX512VNNI | uint64_t(1) << SHERRY_CPU_AMX_TILE |
         uint64_t(1) << SHERRY_CPU_AMX_INT8},
    // As with AMX, but for the products of panels.
    {"AVX512Panels", "x86-64-v4", uint64_t(1) << SHERRY_CPU_AVX512VNNI,
     /*multiplyPanels=*/true},
    {"GenericPanels", "x86-64-v2", 0, /*multiplyPanels=*/true},
};

TargetModel Lowering::target() const {
  TargetModel result = llvm::cantFail(TargetModel::get(cpu));
  result.features |= moreFeatures;
  return result;
}

std::string Lowering::missingFeatures() const {
  // Of the runtime, which also asks the system for the use of AMX.
  SmallVector<StringRef> has, missing;
  StringRef(sherry_cpu_features()).split(has, ',');
  TargetModel needed = target();
  for (StringRef feature : needed.getFeatureNames())
    if (!llvm::is_contained(has, feature.drop_front()))
      missing.push_back(feature);
  return llvm::join(missing, ",");
}

bool sherry::testsAll() { return std::getenv("SHERRY_TEST_ALL") != nullptr; }

std::vector<Lowering> sherry::testedLowerings() {
  auto runsHere = [](const Lowering &lowering) {
    return lowering.missingFeatures().empty();
  };
  std::vector<Lowering> result;
  for (const Lowering &lowering : kLowerings) {
    bool isReplaced = lowering.multiplyPanels;
    if (lowering.better)
      isReplaced = runsHere(*llvm::find_if(kLowerings, [&](const Lowering &l) {
        return StringRef(l.name) == lowering.better;
      }));
    if (runsHere(lowering) && (testsAll() || !isReplaced))
      result.push_back(lowering);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

/// Says on the module what a lowering is.
static void attach(ModuleOp module, const Lowering &lowering, int64_t maxTokens,
                   int64_t lookupTokens, int64_t lookupBlock) {
  TargetModel target = lowering.target();
  Schedule schedule = target.getSchedule();
  schedule.maxBlock = maxTokens;
  schedule.lookupTokens = lookupTokens;
  schedule.lookupBlock = lookupBlock;
  schedule.multiplyPanels |= lowering.multiplyPanels;
  // The graph says which of its functions quantize.
  MLIRContext *context = module.getContext();
  SherryDialect::NumericsAttrHelper(context).setAttr(
      module, NumericsAttr::get(context, Float32Type::get(context),
                                /*perToken=*/false,
                                /*fuseMulAdd=*/false));
  attachTarget(module, target, schedule, /*emulatesFma=*/false);
}

/// LLVM IR to a shared object.
static Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitAndLink(llvm::Module &module, const TargetModel &target) {
  Expected<ObjectEmitter> emitter = ObjectEmitter::create(target);
  if (!emitter)
    return emitter.takeError();
  emitter->optimize(module);
  SmallVector<char, 0> object;
  llvm::raw_svector_ostream out(object);
  if (Error error =
          emitter->emit(module, out, llvm::CodeGenFileType::ObjectFile))
    return error;
  return linkSharedObject(out.str());
}

Expected<CompiledKernels> CompiledKernels::compile(const Lowering &lowering,
                                                   StringRef text,
                                                   int64_t maxTokens,
                                                   int64_t lookupTokens,
                                                   int64_t lookupBlock) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> graph = parseSourceString<ModuleOp>(text, &context);
  if (!graph)
    return llvm::createStringError("cannot parse the graph");
  context.loadDialect<LLVM::LLVMDialect>();
  attach(*graph, lowering, maxTokens, lookupTokens, lookupBlock);
  PassManager pm(&context);
  buildLayoutPipeline(pm);
  buildLoopsPipeline(pm);
  buildKernelPipeline(pm);
  buildLLVMPipeline(pm);
  if (failed(pm.run(*graph)))
    return llvm::createStringError("the pipelines failed");

  CompiledKernels result;
  auto size = [&](StringRef name) {
    return (*graph)->getAttrOfType<IntegerAttr>(name).getInt();
  };
  result.sectionSize = size("sherry.weights_size");
  result.workspaceSize = size("sherry.workspace_size");
  result.threadWorkspaceSize = size("sherry.thread_workspace_size");
  for (auto weight : llvm::make_early_inc_range(graph->getOps<WeightOp>())) {
    result.offsets.push_back(*weight.getOffset());
    weight.erase();
  }
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(*graph, llvmContext);
  if (!module)
    return llvm::createStringError("cannot translate to LLVM IR");
  auto linked = emitAndLink(*module, lowering.target());
  if (!linked)
    return linked.takeError();
  if (Error error = result.load((*linked)->getBuffer()))
    return error;
  return result;
}

Error CompiledKernels::load(StringRef sharedObject) {
  llvm::SmallString<128> path;
  int descriptor;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile(
          "sherry-kernels", "so", descriptor, path))
    return llvm::createStringError(code, "cannot create a temporary file");
  llvm::FileRemover remover(path);
  llvm::raw_fd_ostream out(descriptor, /*shouldClose=*/true);
  out << sharedObject;
  out.close();
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return llvm::createStringError(llvm::Twine("cannot load: ") + dlerror());
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {
/// A team that divides each step anew: who comes first takes the next grain.
class Team {
public:
  sherry_abi_range take(int64_t thread, int64_t count, int64_t grain) {
    std::unique_lock<std::mutex> lock(mutex);
    Place &place = places[thread];
    finished += place.taken;
    place.taken = 0;
    int64_t at = std::max<int64_t>(next - place.begin, 0);
    if (at < count) {
      place.taken = std::min(std::max<int64_t>(grain, 1), count - at);
      next = place.begin + at + place.taken;
      return {at, at + place.taken};
    }
    place.begin += count;
    changed.notify_all();
    changed.wait(lock, [&] { return finished >= place.begin; });
    return {0, 0};
  }

private:
  struct Place {
    int64_t begin = 0; ///< iterations of the steps before
    int64_t taken = 0;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::map<int64_t, Place> places; ///< of the threads
  int64_t next = 0, finished = 0;  ///< iterations, through the call
};
} // namespace

static sherry_abi_range take(const sherry_abi_environment *self, int32_t,
                             int64_t count, int64_t grain) {
  return static_cast<Team *>(self->user)->take(self->thread, count, grain);
}

CompiledKernels::Function CompiledKernels::function(StringRef name) const {
  auto function =
      reinterpret_cast<Function>(dlsym(library, name.str().c_str()));
  if (!function)
    llvm::report_fatal_error(llvm::Twine("no function ") + name);
  return function;
}

void CompiledKernels::call(StringRef name, Buffer &weights, Buffer &input,
                           Buffer &output, int64_t tokens,
                           int64_t threads) const {
  Function code = function(name);
  size_t size = workspaceBytes(threads);
  constexpr size_t guardSize = 4096;
  Buffer workspace(size + guardSize);
  // Whatever was there before.
  constexpr uint8_t before = 0xa5;
  std::fill_n(workspace.bytes(), size + guardSize, before);
  Team team;
  auto run = [&](int64_t thread) {
    sherry_abi_environment environment{sizeof(environment), take, &team, thread,
                                       threads};
    code(weights.bytes(), workspace.bytes(), input.floats(), output.floats(),
         tokens, &environment);
  };
  std::vector<std::thread> others;
  for (int64_t thread = 1; thread < threads; ++thread)
    others.emplace_back(run, thread);
  run(0);
  for (std::thread &other : others)
    other.join();
  const uint8_t *guard = workspace.bytes() + size;
  if (!std::all_of(guard, guard + guardSize,
                   [](uint8_t byte) { return byte == before; }))
    llvm::report_fatal_error(llvm::Twine(name) +
                             " has written behind its workspace");
}
