//===- Compiler.cpp - From a model folder to a shared object --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/Compiler.h"
#include "ChooseStorage.h"
#include "ModelMetadata.h"
#include "Statistics.h"
#include "sherry-abi/limits.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Driver/AbiTable.h"
#include "sherry/Driver/WeightsWriter.h"
#include "sherry/Import/ModelFiles.h"
#include "sherry/Import/ProjectionSample.h"
#include "sherry/InitAll.h"
#include "sherry/Pipelines/Pipelines.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Target/Linker.h"
#include "sherry/Target/ObjectEmitter.h"
#include "sherry/Target/SharedObjectWriter.h"
#include "sherry/Transforms/AttachTarget.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

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
  Error readModel(llvm::raw_ostream &notes);
  Error importModule(llvm::raw_ostream &notes);
  Error parseModule();
  Error checkProjection(const LinearStorage &linear, llvm::raw_ostream &notes);
  Error reportTensors();
  Error runPasses();
  bool isLast(Stage stage) const { return options.lastStage == stage; }
  Error emitModule();
  Error emitMachineCode();
  Expected<std::unique_ptr<llvm::Module>> translate();
  AbiFields describe();
  Error writeModelFile(StringRef code);

  const CompileOptions &options;
  llvm::raw_ostream &log;
  StageClock clock;
  MLIRContext context;
  TargetModel target;
  ModelConfig config;
  TokenizerFile tokenizer;
  std::optional<Checkpoint> checkpoint;
  std::optional<WeightSource> source;
  OwningOpRef<ModuleOp> module;
  llvm::LLVMContext llvmContext;
  AbiFields fields;
};

} // namespace

Error sherry::checkSchedule(const Schedule &schedule) {
  for (const ScheduleField &field : kScheduleFields)
    if (int64_t value = schedule.*field.value; !field.accepts(value))
      return llvm::createStringError(field.option() + " is " +
                                     llvm::Twine(value) + "; it must be " +
                                     field.range());
  return Error::success();
}

/// Warns, or fails if that is wished, of weights that do not look as if they
/// were trained to become trits and nobody says so.
Error Compilation::checkProjection(const LinearStorage &linear,
                                   llvm::raw_ostream &notes) {
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  SymbolTable symbols(*module);
  llvm::erase_if(layers, [&](const LinearLayer &layer) {
    return !symbols.lookup<WeightOp>(layer.name).getTernary();
  });
  TritProjection projection;
  projection.granularity = linear.granularity;
  projection.groupSize = linear.groupSize;
  auto sample = sampleProjection(*checkpoint, config, layers, projection);
  if (!sample)
    return sample.takeError();
  if (sample->kinds.empty())
    return Error::success();
  if (!config.quantization && !options.quantize && !sample->looksTrained()) {
    std::string problem = options.model + ": " + sample->describeProblem() +
                          "; --no-quantize keeps the layers as they are, "
                          "--quantize makes them trits all the same";
    if (options.strict)
      return llvm::createStringError(problem);
    log << "warning: " << problem << "\n";
  }
  notes << "note: " << sample->describeErrors() << "\n";
  return Error::success();
}

/// All but the graph.
Error Compilation::readModel(llvm::raw_ostream &notes) {
  OpenOptions reading;
  reading.weights = !options.randomSeed;
  reading.tokenizer = !options.limits;
  reading.stqScale = options.stqScale;
  Expected<ModelFiles> files = ModelFiles::open(options.model, reading);
  if (!files)
    return files.takeError();
  for (const std::string &note : files->notes)
    notes << "note: " << note << "\n";
  config = std::move(files->config);
  tokenizer = std::move(files->tokenizer);
  if (tokenizer.json &&
      tokenizer.json->getBufferSize() > SHERRY_ABI_MAX_TOKENIZER)
    return llvm::createStringError(
        options.model + ": the tokenizer has " +
        llvm::Twine(tokenizer.json->getBufferSize()) +
        " bytes as tokenizer.json, at most " +
        llvm::Twine(SHERRY_ABI_MAX_TOKENIZER) + " are possible");
  checkpoint = std::move(files->checkpoint);
  if (options.limits) {
    config.numLayers = std::min(config.numLayers, options.limits->numLayers);
    config.vocabSize = std::min(config.vocabSize, options.limits->vocabSize);
    config.bosTokenId.reset();
    config.eosTokenIds.clear();
  }
  if (options.randomSeed)
    source.emplace(*options.randomSeed);
  else
    source.emplace(&*checkpoint);
  return Error::success();
}

Error Compilation::importModule(llvm::raw_ostream &notes) {
  if (Error error = checkSchedule(options.schedule))
    return error;
  Expected<TargetModel> cpu = TargetModel::get(options.targetCpu);
  if (!cpu)
    return cpu.takeError();
  target = std::move(*cpu);
  Expected<StorageOptions> storage = chooseStorage(
      options, config, checkpoint ? &*checkpoint : nullptr, notes);
  if (!storage)
    return storage.takeError();
  auto graph = importGraph(context, config, *storage);
  if (!graph)
    return graph.takeError();
  module = std::move(*graph);
  SherryDialect::NumericsAttrHelper(&context).setAttr(
      *module, NumericsAttr::get(&context,
                                 options.quantizeActivations
                                     ? Type(IntegerType::get(&context, 8))
                                     : Type(Float32Type::get(&context)),
                                 /*fuseMulAdd=*/false));
  attachTarget(*module, target, options.schedule, options.emulateFma);
  // Missing tensors should show before any work is done.
  if (Error error = checkWeights(*module, *source))
    return error;
  if (!checkpoint)
    return Error::success();
  return checkProjection(storage->linear, notes);
}

Error Compilation::parseModule() {
  StringRef from = options.from;
  auto fail = [&](const llvm::Twine &problem) {
    return llvm::createStringError(from + ": " + problem);
  };
  std::string messages;
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      llvm::raw_string_ostream out(messages);
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return success();
      out << "\n  ";
      if (auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
        out << place.getLine() << ":" << place.getColumn() << ": ";
      out << diagnostic;
      return success();
    });
    module = parseSourceFile<ModuleOp>(from, ParserConfig(&context));
  }
  if (!module)
    return fail("is no IR of a stage of sherry-compile:" + messages);
  auto attr = (*module)->getAttrOfType<LLVM::TargetAttr>(
      LLVM::LLVMDialect::getTargetAttrName());
  if (!attr || !attr.getFeatures())
    return fail("the module has no llvm.target; run sherry-attach-target");
  SmallVector<StringRef> features;
  for (StringAttr feature : attr.getFeatures().getFeatures())
    features.push_back(feature);
  Expected<TargetModel> cpu = TargetModel::get(attr.getChip(), features);
  if (!cpu)
    return fail("llvm.target: " + llvm::toString(cpu.takeError()));
  target = std::move(*cpu);
  // The runtime takes these sizes from the configuration.
  KVCacheType cache = getCache(*module);
  if (!cache)
    return fail("the module has no sherry.cache, which the stage `sherry` of "
                "sherry-compile writes");
  if (cache.getLayers() != config.numLayers ||
      cache.getKvHeads() != config.numKeyValueHeads ||
      cache.getHeadDim() != config.headDim ||
      cache.getMaxContext() != config.maxPositionEmbeddings)
    return fail("is not a stage of " + options.model +
                ": its cache is another");
  auto head = module->lookupSymbol<WeightOp>(
      config.tieWordEmbeddings ? "embedding" : "head");
  if (!head || head.getTensorType().getRank() != 2 ||
      head.getTensorType().getDimSize(0) != config.vocabSize)
    return fail("is not a stage of " + options.model +
                ": its vocabulary is another");
  return checkWeights(*module, *source);
}

/// Warns of tensors of the checkpoint that nobody needs.
Error Compilation::reportTensors() {
  if (Error error = checkpoint->checkUnusedTensors(config.numLayers))
    return error;
  SmallVector<StringRef> unused = checkpoint->getUnusedTensors();
  if (!unused.empty())
    log << "warning: " << options.model << ": " << unused.size()
        << (unused.size() == 1 ? " tensor is" : " tensors are")
        << " not used by this architecture, such as " << unused.front() << "\n";
  SmallVector<StringRef> lacking = checkpoint->getLackingTensors();
  if (!lacking.empty())
    log << "warning: " << options.model << ": the index lists "
        << lacking.size() << (lacking.size() == 1 ? " tensor" : " tensors")
        << " that its files do not have and that are not needed, such as "
        << lacking.front() << "\n";
  return Error::success();
}

namespace {
/// A stage that passes make from the one before it.
struct PassStage {
  Stage stage;
  StringRef name; ///< of --emit and of `sherry.stage`
  void (*build)(OpPassManager &);
};
} // namespace

static constexpr PassStage kPassStages[] = {
    {Stage::Layout, "layout", buildLayoutPipeline},
    {Stage::Kernel, "kernel", buildKernelPipeline},
    {Stage::LLVMDialect, "llvm-mlir", buildLLVMPipeline}};

static StringRef getStageName(Operation *module) {
  auto name =
      SherryDialect::StageAttrHelper(module->getContext()).getAttr(module);
  return name ? name.getValue() : "";
}

namespace {
/// Ends the time of a stage after its last pass, which writes its name on the
/// module.
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
  StringRef done = getStageName(*module);
  ArrayRef<PassStage> stages = kPassStages;
  if (done != "sherry") {
    const auto *current = llvm::find_if(
        stages, [&](const PassStage &stage) { return stage.name == done; });
    if (current == stages.end())
      return llvm::createStringError(
          options.from + ": the module has no sherry.stage, or an unknown one; "
                         "sherry-compile --emit and the pipelines of "
                         "sherry-opt write it");
    if (options.lastStage < current->stage)
      return llvm::createStringError(options.from + ": is after the stage '" +
                                     done + "', later than --emit");
    stages = stages.drop_front(current - stages.begin() + 1);
  }
  stages = stages.take_while(
      [&](const PassStage &stage) { return stage.stage <= options.lastStage; });
  if (stages.empty())
    return Error::success();
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      messages += "\n  " + diagnostic.str();
    return success();
  });
  PassManager pm(&context);
  // Half of the time of lowering would go into a verification after each pass,
  // as sherry-opt has it. The last pass of a stage verifies.
  pm.enableVerifier(false);
  pm.addInstrumentation(std::make_unique<StageTimer>(clock, stages));
  // The options of mlir-opt, where a tool has registered them.
  (void)applyPassManagerCLOptions(pm);
  applyDefaultTimingPassManagerCLOptions(pm);
  for (const PassStage &stage : stages)
    stage.build(pm);
  if (failed(pm.run(*module)))
    return llvm::createStringError("the passes after the stage '" +
                                   getStageName(*module) +
                                   "' failed:" + messages);
  return Error::success();
}

Error Compilation::emitModule() {
  return writeFileAtomically(options.output, [&](llvm::raw_ostream &out) {
    module->print(out);
    out << "\n";
    return Error::success();
  });
}

AbiFields Compilation::describe() {
  uint64_t weights =
      SherryDialect::WeightsSizeAttrHelper(&context).getAttr(*module).getInt();
  AbiFields result;
  result.metadata = makeMetadata(*module, config, tokenizer, options.model,
                                 target.cpu, options.randomSeed.has_value());
  result.tokenizerOffset = weights;
  result.tokenizerSize = tokenizer.json ? tokenizer.json->getBufferSize() : 0;
  result.weightsSize = weights + result.tokenizerSize;
  result.workspaceSize = SherryDialect::WorkspaceSizeAttrHelper(&context)
                             .getAttr(*module)
                             .getInt();
  result.kvBytesPerPosition = getCache(*module).getBytesPerPosition();
  result.vocabSize = config.vocabSize;
  result.logitsStride = format::rowStride(config.vocabSize, sizeof(float));
  result.maxContext = config.maxPositionEmbeddings;
  result.maxBlock = getSchedule(*module).getMaxBlock();
  return result;
}

Expected<std::unique_ptr<llvm::Module>> Compilation::translate() {
  // Weights have no counterpart in LLVM IR; the copy goes without them.
  OwningOpRef<ModuleOp> code = module->clone();
  for (auto weight : llvm::make_early_inc_range(code->getOps<WeightOp>()))
    weight.erase();
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(*code, llvmContext, "model");
  if (!result)
    return llvm::createStringError("cannot translate to LLVM IR");
  if (Error error = addAbiTable(*result, target, fields))
    return error;
  return result;
}

Error Compilation::writeModelFile(StringRef code) {
  clock.start("weights");
  uint64_t total = fields.weightsSize;
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
  Error error = writeSharedObject(
      options.output, code, total, [&](llvm::raw_ostream &out) -> Error {
        if (Error error = writeWeights(*module, *source, out, progress))
          return error;
        if (tokenizer.json)
          out << tokenizer.json->getBuffer();
        if (Error error = checkUnchanged())
          return error;
        progress(total);
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
        llvm::Twine(tokenizer.chatTemplate.size()) + " bytes, has " +
        llvm::Twine(fields.metadata.size()) + " bytes, at most " +
        llvm::Twine(SHERRY_ABI_MAX_METADATA) +
        " are possible; shorten the template");
  Expected<std::unique_ptr<llvm::Module>> llvmModule = translate();
  if (!llvmModule)
    return llvmModule.takeError();
  Expected<ObjectEmitter> emitter = ObjectEmitter::create(target);
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
  return writeModelFile((*code)->getBuffer());
}

Error Compilation::run() {
  clock.start("import");
  // Warnings come before notes.
  std::string noteText;
  llvm::raw_string_ostream notes(noteText);
  if (Error error = readModel(notes))
    return error;
  if (Error error = options.from.empty() ? importModule(notes) : parseModule())
    return error;
  log << noteText;
  if (checkpoint)
    if (Error error = reportTensors())
      return error;
  if (Error error = checkNotRead(options.output))
    return error;
  if (Error error = runPasses())
    return error;
  if (options.lastStage <= Stage::LLVMDialect)
    return emitModule();

  if (Error error = emitMachineCode())
    return error;
  clock.stop();
  if (options.printStats) {
    clock.print(log);
    printWeightStatistics(*module, log);
  }
  return Error::success();
}

Error sherry::compile(const CompileOptions &options, llvm::raw_ostream &log) {
  return Compilation(options, log).run();
}
