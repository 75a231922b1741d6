//===- Compiler.cpp - From a model folder to a shared object --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/Compiler.h"
#include "ChooseStorage.h"
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
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

#include <nlohmann/json.hpp>

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
  Error readModel();
  Error checkProjection(llvm::raw_ostream &notes);
  Error runPasses(llvm::StringRef stage,
                  llvm::function_ref<void(OpPassManager &)> build);
  bool isLast(Stage stage) const { return options.lastStage == stage; }
  Error emitModule();
  Error emitMachineCode();
  Expected<std::unique_ptr<llvm::Module>> translate();
  AbiFields describe();
  std::string makeMetadata();
  Error writeModelFile(StringRef code);

  const CompileOptions &options;
  llvm::raw_ostream &log;
  StageClock clock;
  MLIRContext context;
  TargetModel target;
  ModelConfig config;
  StorageOptions storage;
  TokenizerFile tokenizer;
  std::optional<Checkpoint> checkpoint;
  std::optional<WeightSource> source;
  OwningOpRef<ModuleOp> module;
  llvm::LLVMContext llvmContext;
  AbiFields fields;
  int64_t cacheBytesPerPosition = 0;
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
Error Compilation::checkProjection(llvm::raw_ostream &notes) {
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  SymbolTable symbols(*module);
  llvm::erase_if(layers, [&](const LinearLayer &linear) {
    return !symbols.lookup<WeightOp>(linear.name).getTernary();
  });
  TritProjection projection;
  projection.granularity = storage.linear.granularity;
  projection.groupSize = storage.linear.groupSize;
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

Error Compilation::readModel() {
  if (Error error = checkSchedule(options.schedule))
    return error;
  Expected<TargetModel> cpu = TargetModel::get(options.targetCpu);
  if (!cpu)
    return cpu.takeError();
  target = std::move(*cpu);
  OpenOptions reading;
  reading.weights = !options.randomSeed;
  reading.tokenizer = !options.limits;
  reading.stqScale = options.stqScale;
  Expected<ModelFiles> files = ModelFiles::open(options.model, reading);
  if (!files)
    return files.takeError();
  // A warning comes before them.
  std::string noteText;
  llvm::raw_string_ostream notes(noteText);
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
  Expected<StorageOptions> chosen = chooseStorage(
      options, config, checkpoint ? &*checkpoint : nullptr, notes);
  if (!chosen)
    return chosen.takeError();
  storage = std::move(*chosen);
  if (options.randomSeed)
    source.emplace(*options.randomSeed);
  else
    source.emplace(&*checkpoint);

  auto graph = importGraph(context, config, storage);
  if (!graph)
    return graph.takeError();
  module = std::move(*graph);
  for (Type type :
       module->lookupSymbol<func::FuncOp>("forward").getArgumentTypes())
    if (auto cache = dyn_cast<KVCacheType>(type))
      cacheBytesPerPosition = cache.getBytesPerPosition();
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
  if (checkpoint)
    if (Error error = checkProjection(notes))
      return error;
  log << noteText;
  if (checkpoint) {
    if (Error error = checkpoint->checkUnusedTensors(config.numLayers))
      return error;
    SmallVector<StringRef> unused = checkpoint->getUnusedTensors();
    if (!unused.empty())
      log << "warning: " << options.model << ": " << unused.size()
          << (unused.size() == 1 ? " tensor is" : " tensors are")
          << " not used by this architecture, such as " << unused.front()
          << "\n";
    SmallVector<StringRef> lacking = checkpoint->getLackingTensors();
    if (!lacking.empty())
      log << "warning: " << options.model << ": the index lists "
          << lacking.size() << (lacking.size() == 1 ? " tensor" : " tensors")
          << " that its files do not have and that are not needed, such as "
          << lacking.front() << "\n";
  }
  return Error::success();
}

Error Compilation::runPasses(StringRef stage,
                             llvm::function_ref<void(OpPassManager &)> build) {
  clock.start(stage);
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      messages += "\n  " + diagnostic.str();
    return success();
  });
  PassManager pm(&context);
  // Half of the time of lowering would go into a verification after each pass,
  // as sherry-opt has it. Here one at the end of a stage has to do.
  pm.enableVerifier(false);
  build(pm);
  if (failed(pm.run(*module)) || failed(verify(*module)))
    return llvm::createStringError("stage " + stage + " failed:" + messages);
  return Error::success();
}

Error Compilation::emitModule() {
  return writeFileAtomically(options.output, [&](llvm::raw_ostream &out) {
    module->print(out);
    out << "\n";
    return Error::success();
  });
}

/// The steps between barriers, in the order of the numbers that the code gives
/// to the barrier.
static nlohmann::json describeSteps(ModuleOp module) {
  nlohmann::json result = nlohmann::json::array();
  SymbolTable symbols(module);
  ArrayAttr steps =
      SherryDialect::StepsAttrHelper(module.getContext()).getAttr(module);
  for (auto step : steps.getAsRange<DictionaryAttr>()) {
    nlohmann::json &entry = result.emplace_back();
    for (StringRef name : {"entry", "op"})
      entry[name.str()] = step.getAs<StringAttr>(name).str();
    auto name = step.getAs<FlatSymbolRefAttr>("weight");
    if (!name)
      continue;
    auto weight = symbols.lookup<WeightOp>(name.getValue());
    RankedTensorType type = weight.getTensorType();
    entry["weight"] = name.getValue().str();
    entry["shape"] = type.getShape();
    // An embedding reads one row of its weight.
    if (entry["op"] == "embedding")
      continue;
    entry["bytes"] = weight.getByteSize();
    if (entry["op"] == "linear" || entry["op"] == "gated_linear")
      entry["multiply_adds"] = type.getNumElements();
  }
  return result;
}

/// The encoding of the ternary weights, if there are any and they are alike.
static void describeTernary(ModuleOp module, nlohmann::json &json) {
  llvm::SmallSetVector<TernaryAttr, 2> encodings;
  for (auto weight : module.getOps<WeightOp>())
    if (TernaryAttr ternary = weight.getTernary())
      encodings.insert(ternary.withLayout(LayoutAttr()));
  if (encodings.empty())
    return;
  json["bits_per_weight"] = getBitsPerWeight(module);
  if (encodings.size() > 1) {
    json["granularity"] = "mixed";
    return;
  }
  TernaryAttr encoding = encodings.front();
  json["granularity"] = stringifyScaleSharing(encoding.getSharing()).str();
  if (encoding.getSharing() == ScaleSharing::PerGroup)
    json["group_size"] = encoding.getGroupSize();
  if (encoding.getGrouping() != Grouping::Contiguous)
    json["grouping"] = stringifyGrouping(encoding.getGrouping()).str();
  json["scale_type"] = encoding.getScale().isF16() ? "f16" : "f32";
}

std::string Compilation::makeMetadata() {
  nlohmann::json json;
  llvm::SmallString<128> path(options.model);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/false);
  while (path.size() > 1 && llvm::sys::path::is_separator(path.back()))
    path.pop_back();
  json["name"] = llvm::json::fixUTF8(llvm::sys::path::filename(path));
  json["architecture"] = config.architecture->name;
  json["vocab_size"] = config.vocabSize;
  json["hidden_size"] = config.hiddenSize;
  json["intermediate_size"] = config.intermediateSize;
  json["num_hidden_layers"] = config.numLayers;
  json["num_attention_heads"] = config.numHeads;
  json["num_key_value_heads"] = config.numKeyValueHeads;
  json["head_dim"] = config.headDim;
  json["max_position_embeddings"] = config.maxPositionEmbeddings;
  json["rope_theta"] = config.ropeTheta;
  json["tie_word_embeddings"] = config.tieWordEmbeddings;
  json["bos_token_id"] = nullptr;
  if (config.bosTokenId)
    json["bos_token_id"] = *config.bosTokenId;
  json["eos_token_ids"] = std::vector<int64_t>(config.eosTokenIds.begin(),
                                               config.eosTokenIds.end());
  json["add_bos_token"] = tokenizer.addBos;
  for (const SamplingField &field : listSamplingFields())
    if (auto it = config.sampling.find(field.name);
        it != config.sampling.end()) {
      nlohmann::json &value = json["sampling"][field.name];
      if (field.isInteger)
        value = static_cast<uint64_t>(it->second);
      else
        value = it->second;
    }
  json["activations"] = options.quantizeActivations ? "i8" : "f32";
  json["head"] = format::nameOf(storage.head);
  json["kv"] = storage.cacheType == CacheType::I8    ? "i8"
               : storage.cacheType == CacheType::F16 ? "f16"
                                                     : "f32";
  describeTernary(*module, json);
  if (!tokenizer.chatTemplate.empty())
    json["chat_template"] = llvm::json::fixUTF8(tokenizer.chatTemplate);
  for (const auto &[key, name] : tokenizer.specialTokens) {
    nlohmann::json &value = json["special_tokens"][key];
    if (name)
      value = *name;
  }
  for (const ScheduleField &field : kScheduleFields)
    json["schedule"][field.name] = options.schedule.*field.value;
  json["target_cpu"] = target.cpu;
  json["random_weights"] = options.randomSeed.has_value();
  json["compiler"] = "sherry " SHERRY_VERSION;
  json["steps"] = describeSteps(*module);
  return json.dump();
}

AbiFields Compilation::describe() {
  uint64_t weights =
      SherryDialect::WeightsSizeAttrHelper(&context).getAttr(*module).getInt();
  AbiFields result;
  result.metadata = makeMetadata();
  result.tokenizerOffset = weights;
  result.tokenizerSize = tokenizer.json ? tokenizer.json->getBufferSize() : 0;
  result.weightsSize = weights + result.tokenizerSize;
  result.workspaceSize = SherryDialect::WorkspaceSizeAttrHelper(&context)
                             .getAttr(*module)
                             .getInt();
  result.kvBytesPerPosition = cacheBytesPerPosition;
  result.vocabSize = config.vocabSize;
  result.logitsStride = format::rowStride(config.vocabSize, sizeof(float));
  result.maxContext = config.maxPositionEmbeddings;
  result.maxBlock = options.schedule.maxBlock;
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
  if (Error error = readModel())
    return error;
  if (Error error = checkNotRead(options.output))
    return error;
  if (isLast(Stage::Sherry))
    return emitModule();

  if (Error error = runPasses("layout", buildLayoutPipeline))
    return error;
  if (isLast(Stage::Layout))
    return emitModule();

  if (Error error = runPasses("kernel", buildKernelPipeline))
    return error;
  if (isLast(Stage::Kernel))
    return emitModule();

  if (Error error = runPasses("llvm-mlir", buildLLVMPipeline))
    return error;
  if (isLast(Stage::LLVMDialect))
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
