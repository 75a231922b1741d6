//===- Compiler.cpp - From a model folder to a shared object --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/Compiler.h"
#include "DebugInfo.h"
#include "ModelInput.h"
#include "ModelMetadata.h"
#include "ModuleWeights.h"
#include "Statistics.h"
#include "sherry-abi/limits.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Driver/AbiTable.h"
#include "sherry/InitAll.h"
#include "sherry/Pipelines/Pipelines.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Target/Linker.h"
#include "sherry/Target/ObjectEmitter.h"
#include "sherry/Target/SharedObjectWriter.h"
#include "sherry/Transforms/Passes.h"
#include "sherry/support/RankFile.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

using namespace mlir;
using namespace sherry;
using llvm::Error;
using llvm::Expected;

namespace {

class Compilation {
public:
  Compilation(const CompileOptions &options, llvm::raw_ostream &log)
      : options(options), log(log) {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  Error run();

private:
  Error runPasses();
  bool isLast(Stage stage) const { return options.lastStage == stage; }
  Error emitModule();
  Error emitMachineCode();
  Expected<std::unique_ptr<llvm::Module>> translate();
  AbiFields describe();
  std::vector<std::string> listOutputs() const;
  Error writeModelFiles(StringRef code);

  const CompileOptions &options;
  llvm::raw_ostream &log;
  StageClock clock;
  MLIRContext context;
  ModelInput input;
  llvm::LLVMContext llvmContext;
  AbiFields fields;
};

/// A stage that passes make from the one before it.
struct PassStage {
  Stage stage;
  StringRef name; ///< for --emit and `sherry.stage`
  void (*build)(OpPassManager &);
};
} // namespace

static constexpr PassStage kPassStages[] = {
    {Stage::Layout, "layout", buildLayoutPipeline},
    {Stage::Loops, "loops", buildLoopsPipeline},
    {Stage::Kernel, "kernel", buildKernelPipeline},
    {Stage::LLVMDialect, "llvm-mlir", buildLLVMPipeline}};

static StringRef getStageName(Operation *module) {
  auto name =
      SherryDialect::StageAttrHelper(module->getContext()).getAttr(module);
  return name ? name.getValue() : "";
}

namespace {
/// Ends the time of a stage after its last pass, which writes the name of the
/// stage on the module.
struct StageTimer : PassInstrumentation {
  StageTimer(StageClock &clock, ArrayRef<PassStage> stages)
      : clock(clock), stages(stages) {
    clock.start(stages.front().name);
  }
  void runAfterPass(Pass *, Operation *op) override {
    if (stages.size() < 2 || !isa<ModuleOp>(op) ||
        getStageName(op) != stages.front().name)
      return;
    stages = stages.drop_front();
    clock.start(stages.front().name);
  }

  StageClock &clock;
  ArrayRef<PassStage> stages;
};
} // namespace

Error Compilation::runPasses() {
  StringRef done = getStageName(*input.module);
  ArrayRef<PassStage> stages = kPassStages;
  if (done != "sherry") {
    const auto *current = llvm::find_if(
        stages, [&](const PassStage &stage) { return stage.name == done; });
    if (current == stages.end())
      return llvm::createStringError(
          options.from + ": the module has no sherry.stage; sherry-compile and "
                         "the pipelines of sherry-opt write it");
    if (options.lastStage < current->stage)
      return makeError(Problem::LaterStage,
                       options.from + ": is after the stage '" + done +
                           "', later than the stage to end with");
    stages = stages.drop_front(current - stages.begin() + 1);
  }
  stages = stages.take_while(
      [&](const PassStage &stage) { return stage.stage <= options.lastStage; });
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      messages += "\n  " + diagnostic.str();
    return success();
  });
  PassManager pm(&context);
  // Verification after each pass, as in sherry-opt, would take half of the time
  // of lowering. The last pass of a stage verifies.
  pm.enableVerifier(false);
  if (!stages.empty())
    pm.addInstrumentation(std::make_unique<StageTimer>(clock, stages));
  // The options of mlir-opt for passes.
  if (options.usesPassOptions) {
    if (failed(applyPassManagerCLOptions(pm)))
      return llvm::createStringError("options for passes:" + messages);
    applyDefaultTimingPassManagerCLOptions(pm);
  }
  // The file comes from outside.
  if (!options.from.empty())
    pm.addPass(createVerifyStage({done.str()}));
  for (const PassStage &stage : stages)
    stage.build(pm);
  if (failed(pm.run(*input.module)))
    return llvm::createStringError("the passes after the stage '" +
                                   getStageName(*input.module) +
                                   "' failed:" + messages);
  return Error::success();
}

Error Compilation::emitModule() {
  return writeFileAtomically(options.output, [&](llvm::raw_ostream &out) {
    input.module->print(out);
    out << "\n";
    return Error::success();
  });
}

AbiFields Compilation::describe() {
  uint64_t weights = getWeightsSize(*input.module);
  AbiFields result;
  result.metadata =
      makeMetadata(*input.module, input.config, input.tokenizer, options.model,
                   input.target.cpu, options.randomSeed.has_value());
  result.tokenizerOffset = weights;
  result.tokenizerSize =
      input.tokenizer.json ? input.tokenizer.json->getBufferSize() : 0;
  result.weightsSize = weights + result.tokenizerSize;
  result.workspaceSize = SherryDialect::WorkspaceSizeAttrHelper(&context)
                             .getAttr(*input.module)
                             .getInt();
  result.threadWorkspaceSize =
      SherryDialect::ThreadWorkspaceSizeAttrHelper(&context)
          .getAttr(*input.module)
          .getInt();
  result.kvBytesPerPosition = getCache(*input.module).getBytesPerPosition();
  result.vocabSize = input.config.vocabSize;
  result.logitsStride =
      format::rowStride(input.config.vocabSize, sizeof(float));
  result.hiddenSize = input.config.hiddenSize;
  result.hiddenStride =
      format::rowStride(input.config.hiddenSize, sizeof(float));
  result.maxContext = input.config.maxPositionEmbeddings;
  for (const EntryPoint &entry :
       getEntryPoints(getSchedule(*input.module).getSchedule()))
    result.entries.push_back({entry.name, SHERRY_ABI_FORWARD,
                              static_cast<uint32_t>(entry.maxTokens)});
  return result;
}

Expected<std::unique_ptr<llvm::Module>> Compilation::translate() {
  // Weights have no counterpart in LLVM IR, so the copy has none.
  OwningOpRef<ModuleOp> code = input.module->clone();
  for (auto weight : llvm::make_early_inc_range(code->getOps<WeightOp>()))
    weight.erase();
  // Text is easier to read without debug info.
  if (options.lastStage >= Stage::Object)
    addDebugInfo(*code);
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(*code, llvmContext, "model");
  if (!result)
    return llvm::createStringError("cannot translate to LLVM IR");
  if (Error error = addAbiTable(*result, input.target, fields))
    return error;
  return result;
}

/// The output file, or the output files of the ranks.
std::vector<std::string> Compilation::listOutputs() const {
  int64_t ranks = getRanks(*input.module);
  if (ranks == 1 || options.lastStage != Stage::SharedObject)
    return {options.output};
  std::vector<std::string> result;
  for (int64_t rank = 0; rank < ranks; ++rank)
    result.push_back(rankFileName(options.output, static_cast<uint32_t>(rank),
                                  static_cast<uint32_t>(ranks)));
  return result;
}

Error Compilation::writeModelFiles(StringRef code) {
  clock.start("weights");
  std::vector<std::string> paths = listOutputs();
  uint64_t size = fields.weightsSize, total = size * paths.size();
  int lastPercent = -1;
  auto progress = [&](uint64_t written) {
    int percent = total ? static_cast<int>(100 * written / total) : 100;
    if (!options.showProgress || percent == lastPercent)
      return;
    lastPercent = percent;
    log << "\rpacking weights [" << std::string(percent / 4, '=')
        << std::string(25 - percent / 4, ' ') << "] " << percent << " % of "
        << total / 1000000 << " MB" << (percent == 100 ? "\n" : "");
    log.flush();
  };
  Error error = writeSharedObjects(
      paths, code, size, [&](int64_t rank, llvm::raw_ostream &out) -> Error {
        uint64_t before = size * rank;
        if (Error error = writeWeights(
                listMatrices(*input.module, rank),
                getWeightsSize(*input.module), *input.source, out,
                [&](uint64_t written) { progress(before + written); }))
          return error;
        if (input.tokenizer.json)
          out << input.tokenizer.json->getBuffer();
        if (Error error = checkUnchanged())
          return error;
        progress(before + size);
        return Error::success();
      });
  if (error && options.showProgress)
    log << "\n";
  return error;
}

Error Compilation::emitMachineCode() {
  clock.start("llvm");
  fields = describe();
  if (fields.metadata.size() > SHERRY_ABI_MAX_METADATA)
    return llvm::createStringError(
        options.model +
        ": the description of the model, with a chat template "
        "of " +
        llvm::Twine(input.tokenizer.chatTemplate.size()) + " bytes, has " +
        llvm::Twine(fields.metadata.size()) + " bytes, at most " +
        llvm::Twine(SHERRY_ABI_MAX_METADATA) +
        " are possible; shorten the template");
  Expected<std::unique_ptr<llvm::Module>> llvmModule = translate();
  if (!llvmModule)
    return llvmModule.takeError();
  Expected<ObjectEmitter> emitter = ObjectEmitter::create(input.target);
  if (!emitter)
    return emitter.takeError();
  emitter->optimize(**llvmModule);
  if (isLast(Stage::LLVM))
    return writeFileAtomically(options.output, [&](llvm::raw_ostream &out) {
      (*llvmModule)->print(out, nullptr);
      return Error::success();
    });
  clock.start("codegen");
  auto type = isLast(Stage::Assembly) ? llvm::CodeGenFileType::AssemblyFile
                                      : llvm::CodeGenFileType::ObjectFile;
  if (!isLast(Stage::SharedObject))
    return writeFileAtomically(options.output,
                               [&](llvm::raw_pwrite_stream &out) {
                                 return emitter->emit(**llvmModule, out, type);
                               });
  SmallVector<char, 0> object;
  llvm::raw_svector_ostream out(object);
  if (Error error = emitter->emit(**llvmModule, out, type))
    return error;
  clock.start("link");
  auto code = linkSharedObject(out.str());
  if (!code)
    return code.takeError();
  return writeModelFiles((*code)->getBuffer());
}

Error Compilation::run() {
  clock.start("import");
  if (Error error = readInput(options, context, input, log))
    return error;
  std::vector<std::string> outputs = listOutputs();
  if (outputs.size() > 1 && options.output == "-")
    return llvm::createStringError(
        "a model that is cut among ranks has several files; name them with -o");
  for (const std::string &output : outputs)
    if (Error error = checkNotRead(output))
      return error;
  if (Error error = runPasses())
    return error;
  if (Error error = options.lastStage <= Stage::LLVMDialect ? emitModule()
                                                            : emitMachineCode())
    return error;
  clock.stop();
  if (options.printStats) {
    clock.print(log);
    if (options.lastStage > Stage::Sherry)
      printWeightStatistics(*input.module, log);
  }
  return Error::success();
}

Error sherry::compile(const CompileOptions &options, llvm::raw_ostream &log) {
  return Compilation(options, log).run();
}
