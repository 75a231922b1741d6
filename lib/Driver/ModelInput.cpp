//===- ModelInput.cpp - The input of a compilation ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModelInput.h"
#include "ModuleWeights.h"
#include "sherry-abi/limits.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Import/ModelFiles.h"
#include "sherry/Import/ProjectionSample.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"
#include "sherry/Transforms/AttachTarget.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace sherry;
using llvm::Error;
using llvm::Expected;

/// Far more than the IR of any stage.
static constexpr uint64_t kMaxModuleBytes = uint64_t(1) << 31;

Error sherry::checkSchedule(const Schedule &schedule) {
  const ScheduleField *bad = findBadField(schedule);
  if (!bad)
    return Error::success();
  return llvm::createStringError(bad->option() + " is " +
                                 llvm::Twine(schedule.*bad->value) +
                                 "; it must be " + bad->range());
}

namespace {
/// Fills a ModelInput.
class Reader {
public:
  Reader(const CompileOptions &options, MLIRContext &context, ModelInput &input,
         llvm::raw_ostream &log)
      : options(options), context(context), log(log), target(input.target),
        config(input.config), tokenizer(input.tokenizer),
        checkpoint(input.checkpoint), source(input.source),
        module(input.module) {}

  Error read();

private:
  Error readModel(llvm::raw_ostream &notes);
  Expected<CacheType> chooseCacheType();
  Error importModule(llvm::raw_ostream &notes);
  Error parseModule();
  Error checkProjection(const format::TernaryLayout &layout,
                        llvm::raw_ostream &notes);
  Error reportTensors();

  const CompileOptions &options;
  MLIRContext &context;
  llvm::raw_ostream &log;
  TargetModel &target;
  ModelConfig &config;
  TokenizerFile &tokenizer;
  std::optional<Checkpoint> &checkpoint;
  std::optional<WeightSource> &source;
  OwningOpRef<ModuleOp> &module;
};
} // namespace

/// Warns of weights that do not look trained as trits, unless an option asks to
/// project them; fails instead with the option to be strict.
Error Reader::checkProjection(const format::TernaryLayout &layout,
                              llvm::raw_ostream &notes) {
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  SymbolTable symbols(*module);
  // Weights of another codebook are trits in the checkpoint already.
  llvm::erase_if(layers, [&](const LinearLayer &layer) {
    TernaryAttr ternary = symbols.lookup<WeightOp>(layer.name).getTernary();
    return !ternary ||
           ternary.getCodebook().getName() != StringRef(layout.codebook->name);
  });
  TritProjection projection;
  projection.granularity = layout.granularity;
  projection.groupSize = layout.groupSize;
  projection.codebook = layout.codebook;
  auto sample = sampleProjection(*checkpoint, config, layers, projection);
  if (!sample)
    return sample.takeError();
  if (sample->kinds.empty())
    return Error::success();
  bool isSaid =
      config.quantization && config.quantization->codebook == layout.codebook;
  if (!isSaid && !options.weights.quantize && !sample->looksTrained()) {
    std::string problem = options.model + ": " + sample->describeProblem();
    if (options.strict)
      return makeError(Problem::UntrainedWeights, problem);
    log << "warning: " << problem
        << findRemedy(options.remedies, Problem::UntrainedWeights) << "\n";
  }
  notes << "note: " << sample->describeErrors() << "\n";
  return Error::success();
}

/// Reads all of a model except its graph.
Error Reader::readModel(llvm::raw_ostream &notes) {
  OpenOptions reading;
  reading.weights = !options.randomSeed;
  reading.tokenizer = !options.limits;
  reading.stqScale = options.stqScale;
  reading.remedies = options.remedies;
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

Expected<CacheType> Reader::chooseCacheType() {
  CacheType result = options.cacheType.value_or(
      options.quantizeActivations ? CacheType::F16 : CacheType::F32);
  if (result == CacheType::I8 &&
      (config.headDim % 16 != 0 || config.headDim > 256))
    return makeError(Problem::CacheHeadSize,
                     "a cache of i8 needs a head_dim that is a multiple of 16 "
                     "and at most 256; this model has " +
                         llvm::Twine(config.headDim));
  return result;
}

Error Reader::importModule(llvm::raw_ostream &notes) {
  if (Error error = checkSchedule(options.schedule))
    return error;
  Expected<TargetModel> cpu = TargetModel::get(options.targetCpu);
  if (!cpu)
    return cpu.takeError();
  target = std::move(*cpu);
  Expected<CacheType> cacheType = chooseCacheType();
  if (!cacheType)
    return cacheType.takeError();
  Expected<WeightPlan> plan =
      planWeights(options.weights, /*keepNumbers=*/!options.quantizeActivations,
                  config, checkpoint ? &*checkpoint : nullptr, notes);
  if (!plan)
    return plan.takeError();
  auto graph = importGraph(context, config, *plan, *cacheType);
  if (!graph)
    return graph.takeError();
  module = std::move(*graph);
  SherryDialect::NumericsAttrHelper(&context).setAttr(
      *module,
      NumericsAttr::get(
          &context,
          options.quantizeActivations ? Type(IntegerType::get(&context, 8))
                                      : Type(Float32Type::get(&context)),
          options.quantizeActivations &&
              options.hasScalesPerToken.value_or(config.isTrainedPerToken()),
          /*fuseMulAdd=*/false));
  attachTarget(*module, target, options.schedule, options.emulateFma);
  if (options.ranks > 1)
    SherryDialect::RanksAttrHelper(&context).setAttr(
        *module, Builder(&context).getI64IntegerAttr(options.ranks));
  // Missing tensors should show before any work is done.
  if (Error error = checkWeights(*module, *source))
    return error;
  if (!checkpoint)
    return Error::success();
  return checkProjection(plan->projection.layout, notes);
}

Error Reader::parseModule() {
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
    auto text = readFile(from, kMaxModuleBytes);
    if (!text)
      return text.takeError();
    module = parseSourceString<ModuleOp>((*text)->getBuffer(),
                                         ParserConfig(&context), from);
  }
  if (!module)
    return fail("is not the IR of a stage of sherry-compile:" + messages);
  auto attr = (*module)->getAttrOfType<LLVM::TargetAttr>(
      LLVM::LLVMDialect::getTargetAttrName());
  if (!attr || !attr.getTriple() || !attr.getChip() || !attr.getFeatures())
    return fail("the module has no llvm.target with triple, chip and features; "
                "run sherry-attach-target");
  SmallVector<StringRef> features;
  for (StringAttr feature : attr.getFeatures().getFeatures())
    features.push_back(feature);
  Expected<TargetModel> cpu = TargetModel::get(attr.getChip(), features);
  if (!cpu)
    return fail("llvm.target: " + llvm::toString(cpu.takeError()));
  target = std::move(*cpu);
  StringRef triple = target.getInstructionSet().triple;
  if (attr.getTriple() != triple || attr.getChip() == "native")
    return fail("llvm.target is for " + attr.getTriple().getValue() + ", " +
                attr.getChip().getValue() + "; it must name a CPU of " +
                triple);
  auto head = module->lookupSymbol<WeightOp>(
      config.tieWordEmbeddings ? "embedding" : "head");
  auto ranks =
      static_cast<int64_t>(head ? head.getRanks().value_or(1) : 1); // so far
  // The runtime takes these sizes from the configuration.
  KVCacheType cache = getCache(*module);
  if (!cache)
    return fail("the module has no sherry.cache, which the stage `sherry` of "
                "sherry-compile writes");
  if (cache.getLayers() != config.numLayers ||
      cache.getKvHeads() * ranks != config.numKeyValueHeads ||
      cache.getHeadDim() != config.headDim ||
      cache.getMaxContext() != config.maxPositionEmbeddings)
    return fail("is not a stage of " + options.model +
                ": it has another cache");
  if (!head || head.getTensorType().getRank() != 2 ||
      head.getTensorType().getDimSize(0) * ranks != config.vocabSize)
    return fail("is not a stage of " + options.model +
                ": it has another vocabulary");
  return checkWeights(*module, *source);
}

/// Warns of unused tensors of the checkpoint.
Error Reader::reportTensors() {
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

Error Reader::read() {
  // Warnings come before notes.
  std::string noteText;
  llvm::raw_string_ostream notes(noteText);
  if (Error error = readModel(notes))
    return error;
  if (Error error = options.from.empty() ? importModule(notes) : parseModule())
    return error;
  log << noteText;
  return checkpoint ? reportTensors() : Error::success();
}

Error sherry::readInput(const CompileOptions &options, MLIRContext &context,
                        ModelInput &input, llvm::raw_ostream &log) {
  return Reader(options, context, input, log).read();
}
