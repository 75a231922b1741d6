//===- ExportPlan.cpp - How each tensor is written ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ExportPlan.h"
#include "sherry/Import/ProjectionSample.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"
#include "sherry/Weights/WeightPlan.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

static bool isFloat(TensorType storage) {
  return format::infoOf(storage).blockInputs == 1;
}

/// The type of numbers that holds the numbers of another type exactly, if there
/// is one.
static TensorType chooseFloat(TensorType storage) {
  return isFloat(storage) ? storage : TensorType::F16;
}

bool sherry::writesNumbers(const ExportOptions &options) {
  return options.linear && isFloat(*options.linear);
}

namespace {
class ExportPlanner {
public:
  ExportPlanner(const ExportOptions &options, ModelFiles &files,
                bool hasImportance, raw_ostream &log,
                std::set<std::string> &notes)
      : options(options), files(files), config(files.config),
        hasImportance(hasImportance), log(log), notes(notes) {}

  Expected<ExportPlan> plan();

private:
  Error addJob(const std::string &name, ArrayRef<int64_t> shape,
               function_ref<Encoding(const TensorView &)> choose);
  Error addJobs();
  Error addLinear(const std::string &prefix, const LinearLayer &linear);
  Error chooseCodebook();
  Error chooseProjection();
  Error checkCodebook() const;
  Error checkBitNet() const;
  Error checkProjection();
  void chooseReordering();
  Encoding chooseLinear(const TensorView &view, bool isExcluded);
  Encoding chooseHead(const TensorView &view);
  Encoding chooseVector(const TensorView &view) const;

  const ExportOptions &options;
  ModelFiles &files;
  const ModelConfig &config;
  bool hasImportance;
  raw_ostream &log;
  std::set<std::string> &notes;
  ExportPlan result;
  Reordering reordering = Reordering::None;
};
} // namespace

/// Refuses types that cannot hold the trits of the codebook.
Error ExportPlanner::checkCodebook() const {
  const format::Codebook &codebook = *result.projection.codebook;
  StringRef name = codebook.name;
  if (&codebook != &format::k3of4 && options.linear == TensorType::STQ1_0)
    return makeError(options.model +
                     ": the weights were trained with the "
                     "codebook " +
                     name + "; STQ1_0 has only 3:4, so write another type");
  if (options.linear)
    return Error::success();
  if (codebook.kept == 0 &&
      result.projection.granularity == format::Granularity::PerTensor)
    return makeError(options.model + ": trits of the codebook " + name +
                     " need the granularity per_channel or per_group in a "
                     "folder");
  if (hasImportance && codebook.kept != 0 && &codebook != &format::k3of4)
    return makeError(options.model +
                     ": importances have no effect with the "
                     "codebook " +
                     name + "; leave them out");
  return Error::success();
}

/// Stored trits stay unchanged, unless the options ask for others.
Error ExportPlanner::chooseCodebook() {
  if (config.quantization || config.bitNet || options.quantize)
    return Error::success();
  auto isDense = storesTritsWithoutPattern(config, *files.checkpoint);
  if (!isDense)
    return isDense.takeError();
  if (!*isDense)
    return Error::success();
  if (options.linear == TensorType::STQ1_0)
    return makeError(Problem::TritsWithoutPattern,
                     options.model +
                         ": the weights are trits without a pattern");
  result.projection.codebook = &format::kDense;
  return Error::success();
}

Error ExportPlanner::chooseProjection() {
  result.projection = config.quantization.value_or(
      QuantizationConfig{{{"lm_head", "model.embed_tokens"}, {}},
                         format::Granularity::PerGroup,
                         /*groupSize=*/128});
  if (Error error = chooseCodebook())
    return error;
  LinearLayer first = listLinearLayers(config).front();
  auto storage = files.checkpoint->getTensorType(nameWeight(first, 0));
  if (storage && format::isTernary(*storage))
    result.projection.groupSize = format::infoOf(*storage).blockInputs;
  result.projection.granularity =
      options.granularity.value_or(result.projection.granularity);
  if (options.groupSize &&
      result.projection.granularity != format::Granularity::PerGroup)
    return makeError(Problem::UnusedGroupSize,
                     "a group size needs the granularity per_group");
  result.projection.groupSize =
      options.groupSize.value_or(result.projection.groupSize);
  if (Error error = checkCodebook())
    return error;
  if (hasImportance && !options.linear &&
      result.projection.granularity == format::Granularity::PerTensor)
    return makeError("importances need the granularity per_channel or "
                     "per_group");
  return Error::success();
}

void ExportPlanner::chooseReordering() {
  bool isStrided = true, isContiguous = config.quantization.has_value();
  for (const LinearLayer &linear : listLinearLayers(config))
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      auto storage = files.checkpoint->getTensorType(nameWeight(linear, layer));
      isStrided &= storage && format::isStrided(*storage);
      isContiguous &= storage && isFloat(*storage);
    }
  // All reordered sizes must be multiples of 64. The features of a head are
  // reordered only for values.
  bool isPossible = config.hiddenSize % format::kStridedInputs == 0 &&
                    config.intermediateSize % format::kStridedInputs == 0 &&
                    config.headDim % format::kStridedInputs == 0;
  if (isPossible && isContiguous && options.linear == TensorType::STQ1_0)
    reordering = Reordering::ToStrided;
  if (isPossible && isStrided && !options.linear)
    reordering = Reordering::ToContiguous;
  if (reordering != Reordering::None)
    notes.insert(
        "the features of the model are reordered, so that its groups of four "
        "become groups of the written type; its results stay the same");
}

Encoding ExportPlanner::chooseLinear(const TensorView &view, bool isExcluded) {
  if (isExcluded)
    return {chooseFloat(view.getTensorType()), std::nullopt};
  if (!options.linear)
    return {TensorType::F16, result.projection};
  const format::TensorTypeInfo &info = format::infoOf(*options.linear);
  if (view.getCols() % info.blockInputs == 0)
    return {*options.linear, std::nullopt};
  notes.insert(("rows of " + Twine(view.getCols()) +
                " are not whole blocks of " + info.name +
                "; they are written as F16")
                   .str());
  return {TensorType::F16, std::nullopt};
}

Encoding ExportPlanner::chooseHead(const TensorView &view) {
  auto fits = [&](TensorType storage) {
    return view.getCols() % format::infoOf(storage).blockInputs == 0;
  };
  if (options.head) {
    if (fits(*options.head))
      return {*options.head, std::nullopt};
    notes.insert(("rows of " + Twine(view.getCols()) +
                  " are not whole blocks of " +
                  format::infoOf(*options.head).name +
                  "; head and embedding are written as F16")
                     .str());
    return {TensorType::F16, std::nullopt};
  }
  if (writesNumbers(options))
    return {*options.linear, std::nullopt};
  if (options.toFolder)
    return {chooseFloat(view.getTensorType()), std::nullopt};
  // The scale of I2_S is stored apart from the rows, so it cannot be copied
  // with them.
  bool stays = format::canWrite(view.getTensorType()) ||
               (reordering == Reordering::None &&
                view.getTensorType() != TensorType::I2_S);
  if (!isFloat(view.getTensorType()) && stays)
    return {view.getTensorType(), std::nullopt};
  for (TensorType storage : {TensorType::Q6_K, TensorType::Q8_0})
    if (fits(storage))
      return {storage, std::nullopt};
  return {TensorType::F16, std::nullopt};
}

Encoding ExportPlanner::chooseVector(const TensorView &view) const {
  bool keeps = options.toFolder && isFloat(view.getTensorType());
  return {keeps ? view.getTensorType() : TensorType::F32, std::nullopt};
}

Error ExportPlanner::addJob(const std::string &name, ArrayRef<int64_t> shape,
                            function_ref<Encoding(const TensorView &)> choose) {
  auto view = files.checkpoint->getTensor(name, shape);
  if (!view)
    return view.takeError();
  result.jobs.push_back({name, *view, choose(*view)});
  // Queries and keys keep their order, because rope depends on it.
  Encoding &encoding = result.jobs.back().encoding;
  auto isOf = [&](std::initializer_list<StringRef> modules) {
    return any_of(modules, [&](StringRef module) {
      return StringRef(name).contains("." + module.str() + ".");
    });
  };
  bool isNormOfHeads = shape.size() == 1 && name.find("self_attn") != name.npos;
  if (!isOf({"q_proj", "k_proj", "embed_tokens"}) && name != "lm_head.weight" &&
      shape.size() == 2)
    encoding.rows = reordering;
  if (!(isNormOfHeads && !isOf({"v_proj", "attn_sub_norm"})))
    encoding.cols = reordering;
  return Error::success();
}

Error ExportPlanner::addLinear(const std::string &prefix,
                               const LinearLayer &linear) {
  bool excluded =
      (config.quantization && config.quantization->isDense(linear)) ||
      (config.bitNet && config.bitNet->isDense(linear));
  if (Error error = addJob(
          prefix + linear.module + ".weight", {linear.outputs, linear.inputs},
          [&](const TensorView &view) { return chooseLinear(view, excluded); }))
    return error;
  ExportJob &job = result.jobs.back();
  job.isLinear = true;
  job.isTrained = config.quantization && !excluded && !options.latent &&
                  isFloat(job.view.getTensorType());
  return Error::success();
}

/// Trits times scales have no larger relative squared error in f16 or bf16.
static constexpr double kErrorOfRounding = 1e-5;

/// Warns of weights that do not look trained as trits, unless an option asks to
/// project them; fails instead with the option to be strict.
Error ExportPlanner::checkProjection() {
  if (options.latent)
    return Error::success();
  TritProjection trits;
  trits.codebook = result.projection.codebook;
  trits.granularity = result.projection.granularity;
  trits.groupSize = result.projection.groupSize;
  if (!config.quantization && options.linear) {
    if (*options.linear != TensorType::STQ1_0)
      trits.codebook = &format::kDense;
    trits.groupSize = format::infoOf(*options.linear).blockInputs;
  }
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  erase_if(layers, [&](const LinearLayer &linear) {
    auto job = find_if(result.jobs, [&](const ExportJob &job) {
      return job.name == nameWeight(linear, /*layer=*/0);
    });
    return !job->isTrained && !job->encoding.projection &&
           !format::isTernary(job->encoding.storage);
  });
  auto sample = sampleProjection(*files.checkpoint, config, layers, trits);
  if (!sample)
    return sample.takeError();
  if (sample->kinds.empty())
    return Error::success();
  if (!config.quantization && !options.quantize && !sample->looksTrained()) {
    // The weights may have another pattern.
    if (trits.codebook->kept != 0) {
      trits.codebook = &format::kDense;
      auto dense = sampleProjection(*files.checkpoint, config, layers, trits);
      if (!dense)
        return dense.takeError();
      if (dense->getRelativeError() < kErrorOfRounding)
        return makeError(Problem::TritsWithoutPattern,
                         options.model +
                             ": the weights are trits without a pattern");
    }
    std::string problem = options.model + ": " + sample->describeProblem();
    if (options.strict)
      return makeError(Problem::UntrainedWeights, problem);
    log << "warning: " << problem
        << findRemedy(options.remedies, Problem::UntrainedWeights) << "\n";
  }
  notes.insert(sample->describeErrors());
  return Error::success();
}

Error ExportPlanner::addJobs() {
  Error error = Error::success();
  auto addVector = [&](const std::string &name, int64_t size) {
    if (!error)
      error = addJob(name, {size}, [&](const TensorView &view) {
        return chooseVector(view);
      });
  };
  auto addDense = [&](const std::string &name) {
    if (!error)
      error = addJob(name, {config.vocabSize, config.hiddenSize},
                     [&](const TensorView &view) { return chooseHead(view); });
  };
  addDense("model.embed_tokens.weight");
  auto linears = listLinearLayers(config);
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    std::string prefix = "model.layers." + std::to_string(layer) + ".";
    addVector(prefix + "input_layernorm.weight", config.hiddenSize);
    if (config.architecture->qkNorm != Architecture::QkNorm::None)
      for (const char *norm :
           {config.architecture->queryNorm, config.architecture->keyNorm})
        addVector(prefix + "self_attn." + norm + ".weight", config.headDim);
    addVector(prefix + "post_attention_layernorm.weight", config.hiddenSize);
    for (const LinearLayer &linear : linears)
      if (!error)
        error = addLinear(prefix, linear);
    if (config.architecture->hasSubNorms) {
      addVector(prefix + "self_attn.attn_sub_norm.weight",
                config.numHeads * config.headDim);
      addVector(prefix + "mlp.ffn_sub_norm.weight", config.intermediateSize);
    }
    if (config.architecture->hasQkvBias)
      for (const LinearLayer &linear : ArrayRef(linears).take_front(3))
        addVector(prefix + linear.module + ".bias", linear.outputs);
  }
  addVector("model.norm.weight", config.hiddenSize);
  if (!config.tieWordEmbeddings)
    addDense("lm_head.weight");
  return error ? std::move(error)
               : files.checkpoint->checkUnusedTensors(config.numLayers);
}

/// Refuses BitNet models, whose trits have no pattern, for types with one.
Error ExportPlanner::checkBitNet() const {
  bool isHeld = options.linear && format::isTernary(*options.linear) &&
                !format::isStrided(*options.linear);
  if (!config.bitNet || isHeld)
    return Error::success();
  return makeError(Problem::TritsWithoutPattern,
                   options.model +
                       ": quantization_config in config.json says \"bitnet\": "
                       "the weights are trits without a pattern");
}

Expected<ExportPlan> ExportPlanner::plan() {
  if (Error error = checkBitNet())
    return error;
  if (Error error = chooseProjection())
    return error;
  chooseReordering();
  if (Error error = addJobs())
    return error;
  if (options.latent && (!writesNumbers(options) || !config.quantization))
    return makeError("latent weights need a model that was trained as trits, "
                     "and the type F16, BF16 or F32");
  if (Error error = checkProjection())
    return error;
  return std::move(result);
}

Expected<ExportPlan> sherry::planExport(const ExportOptions &options,
                                        ModelFiles &files, bool hasImportance,
                                        raw_ostream &log,
                                        std::set<std::string> &notes) {
  return ExportPlanner(options, files, hasImportance, log, notes).plan();
}
