//===- WeightPlan.cpp - Weights of a model and their types ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightPlan.h"
#include "ProjectionPlan.h"
#include "TritFormat.h"
#include "sherry/Format/Pack.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;
using format::DenseFormat;
using format::TensorType;

static bool isDense(TensorType storage) {
  return format::infoOf(storage).blockInputs == 1;
}

/// The format for the numbers of a type; q8_0 for blocks without such a format.
static DenseFormat formatOf(TensorType storage) {
  switch (storage) {
  case TensorType::F32:
    return DenseFormat::F32;
  case TensorType::F16:
    return DenseFormat::F16;
  case TensorType::BF16:
    return DenseFormat::BF16;
  case TensorType::Q6_K:
    return DenseFormat::Q6_K;
  case TensorType::Q4_0:
    return DenseFormat::Q4_0;
  default:
    return DenseFormat::Q8_0;
  }
}

static bool canPackStored(DenseFormat format, TensorType storage) {
  return format::canPackStored(*format::blocksOf(format), storage);
}

static std::string printNames(const TensorTypes &types) {
  std::string result;
  for (TensorType storage : types)
    result +=
        std::string(result.empty() ? "" : ", ") + format::infoOf(storage).name;
  return result;
}

static Expected<WeightType> toType(Expected<TernaryWeights> ternary) {
  if (!ternary)
    return ternary.takeError();
  return WeightType(*ternary);
}

/// The type of numbers that are trits already, else `other`; `name` is for the
/// note. A projection to 3:4 keeps 3:4-sparse trits, so they get `other`, too.
static Expected<WeightType> keepTrits(const TernaryTensors &tensors,
                                      StringRef name, const WeightType &other,
                                      Checkpoint &checkpoint,
                                      raw_ostream &log) {
  const TernaryWeights *projection = getTernary(other);
  bool takesPattern =
      !projection || projection->layout.codebook != &format::k3of4;
  auto trits = findTrits(tensors, takesPattern, checkpoint);
  if (!trits)
    return trits.takeError();
  if (!*trits)
    return other;
  log << "note: " << name << " holds trits already, which stay as they are\n";
  return WeightType(**trits);
}

//===----------------------------------------------------------------------===//
// Embedding and head
//===----------------------------------------------------------------------===//

/// The type of the embedding or the head. Random weights and, unless numbers
/// are kept, numbers that are not in blocks get `fallback`.
static Expected<WeightType>
chooseVocabularyType(StringRef tensor, ArrayRef<int64_t> shape,
                     const WeightType &fallback, bool keepNumbers,
                     Checkpoint *checkpoint, raw_ostream &log) {
  auto storage = checkpoint ? checkpoint->getTensorType(tensor) : std::nullopt;
  if (!storage)
    return fallback;
  TernaryTensors tensors{{tensor.str()}, {}, {}};
  tensors.shape.assign(shape.begin(), shape.end());
  tensors.types.insert(*storage);
  if (isDense(*storage))
    return keepTrits(tensors, tensor,
                     keepNumbers ? WeightType(formatOf(*storage)) : fallback,
                     *checkpoint, log);
  if (format::isTernary(*storage))
    return toType(chooseDense(tensors, *checkpoint));
  DenseFormat result = formatOf(*storage);
  if (!isDense(*storage) && !canPackStored(result, *storage))
    log << "note: " << tensor << " is widened from "
        << format::infoOf(*storage).name << " to " << format::nameOf(result)
        << "\n";
  return result;
}

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

/// The format that holds numbers of all these types.
static DenseFormat chooseNumbers(const TensorTypes &types) {
  return types.size() == 1 ? formatOf(types[0]) : DenseFormat::F32;
}

static TensorTypes listTensorTypes(const LinearLayer &linear, int64_t numLayers,
                                   const Checkpoint *checkpoint) {
  TensorTypes result;
  for (int64_t layer = 0; checkpoint && layer < numLayers; ++layer)
    if (auto storage = checkpoint->getTensorType(nameWeight(linear, layer)))
      result.insert(*storage);
  return result;
}

static TernaryTensors listTensors(const LinearLayer &linear, int64_t numLayers,
                                  const Checkpoint *checkpoint) {
  TernaryTensors result{{},
                        {linear.outputs, linear.inputs},
                        listTensorTypes(linear, numLayers, checkpoint)};
  for (int64_t layer = 0; layer < numLayers; ++layer)
    result.names.push_back(nameWeight(linear, layer));
  return result;
}

Expected<bool> sherry::storesTritsWithoutPattern(const ModelConfig &config,
                                                 Checkpoint &checkpoint) {
  for (const LinearLayer &linear : listLinearLayers(config)) {
    TernaryTensors tensors{{}, {linear.outputs, linear.inputs}, {}};
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      std::string name = nameWeight(linear, layer);
      auto storage = checkpoint.getTensorType(name);
      if (!storage || !format::isTernary(*storage))
        continue;
      tensors.names.push_back(name);
      tensors.types.insert(*storage);
    }
    if (tensors.names.empty())
      continue;
    auto type = chooseTernary(tensors, checkpoint);
    if (!type)
      return type.takeError();
    if (type->layout.codebook->kept == 0)
      return true;
  }
  return false;
}

/// The type of a linear layer of which the checkpoint has some matrices in
/// blocks.
static Expected<WeightType> chooseBlocks(const LinearLayer &linear,
                                         const TernaryTensors &tensors,
                                         Checkpoint &checkpoint,
                                         raw_ostream &log) {
  const TensorTypes &types = tensors.types;
  if (all_of(types, format::isTernary))
    return toType(chooseTernary(tensors, checkpoint));
  DenseFormat result =
      types.size() == 1 ? formatOf(types[0]) : DenseFormat::Q8_0;
  if (!all_of(types, [&](TensorType storage) {
        return canPackStored(result, storage);
      }))
    log << "note: " << linear.module << " is stored as "
        << format::nameOf(result) << ", in the file it is " << printNames(types)
        << "\n";
  return result;
}

/// Numbers become trits of the projection. Exception: numbers that are trits
/// without a pattern already, if no option or configuration says how they were
/// trained.
static Expected<WeightType>
chooseProjected(const LinearLayer &linear, const TernaryTensors &tensors,
                const WeightOptions &options, const TernaryWeights &projection,
                const ModelConfig &config, Checkpoint *checkpoint,
                raw_ostream &log) {
  if (!checkpoint || config.quantization || options.quantize ||
      saysProjection(options))
    return projection;
  return keepTrits(tensors, linear.module, projection, *checkpoint, log);
}

static Expected<WeightType>
chooseLinear(const LinearLayer &linear, const WeightOptions &options,
             bool keepNumbers, const TernaryWeights &projection,
             const ModelConfig &config, Checkpoint *checkpoint,
             raw_ostream &log) {
  TernaryTensors tensors = listTensors(linear, config.numLayers, checkpoint);
  const TensorTypes &types = tensors.types;
  if (config.bitNet && !config.bitNet->isDense(linear))
    return toType(chooseBitNet(tensors, config.bitNet->form, checkpoint));
  bool isKeptDense = config.bitNet || (config.quantization &&
                                       config.quantization->isDense(linear));
  if (!all_of(types, isDense)) {
    auto type = chooseBlocks(linear, tensors, *checkpoint, log);
    if (type && isKeptDense && getTernary(*type))
      return DenseFormat::BF16;
    return type;
  }
  if (options.quantize.value_or(true) && !isKeptDense)
    return chooseProjected(linear, tensors, options, projection, config,
                           checkpoint, log);
  return keepNumbers && !types.empty() ? chooseNumbers(types)
                                       : DenseFormat::BF16;
}

//===----------------------------------------------------------------------===//
// All weights
//===----------------------------------------------------------------------===//

namespace {
/// Lists the weights of a model in the order of the graph.
class Planner {
public:
  Planner(const WeightOptions &options, bool keepNumbers,
          const ModelConfig &config, Checkpoint *checkpoint, raw_ostream &log)
      : options(options), keepNumbers(keepNumbers), config(config),
        checkpoint(checkpoint), log(log) {}

  Expected<WeightPlan> plan();

private:
  void add(const Twine &name, int64_t count, const Twine &source,
           SmallVector<int64_t, 2> shape, const WeightType &type) {
    auto given = options.types.find(name.str());
    result.weights.push_back(
        {name.str(), count, source.str(), std::move(shape),
         given == options.types.end() ? type : given->second});
  }
  /// Adds a vector of every layer.
  void addVector(const Twine &name, const Twine &source, int64_t size) {
    add(name, config.numLayers, "model.layers.{}." + source, {size},
        DenseFormat::F32);
  }
  /// Adds the embedding or the head.
  void addVocabulary(StringRef name, StringRef source, const WeightType &type) {
    add(name, 1, source, {config.vocabSize, config.hiddenSize}, type);
  }
  Expected<WeightType> chooseVocabulary(StringRef source,
                                        DenseFormat fallback) {
    SmallVector<int64_t, 2> shape{config.vocabSize, config.hiddenSize};
    if (!options.isVocabularyTernary)
      return chooseVocabularyType(source, shape, fallback, keepNumbers,
                                  checkpoint, log);
    // Rows of the embedding are read one by one.
    TernaryWeights projection = result.projection;
    projection.isStrided = false;
    auto storage =
        checkpoint ? checkpoint->getTensorType(source) : std::nullopt;
    bool isInBlocks =
        storage && !isDense(*storage) && !format::isTernary(*storage);
    Expected<WeightType> type =
        isInBlocks
            ? Expected<WeightType>(projection)
            : chooseVocabularyType(source, shape, projection,
                                   /*keepNumbers=*/false, checkpoint, log);
    projects |= type && isProjection(*type, projection);
    return type;
  }
  Error addLinears(ArrayRef<LinearLayer> linears);
  void addOtherVectors(ArrayRef<LinearLayer> linears);
  bool mayBecomeTrits(const LinearLayer &linear) const;
  Error refuseWithoutEffect() const;

  const WeightOptions &options;
  bool keepNumbers;
  const ModelConfig &config;
  Checkpoint *checkpoint;
  raw_ostream &log;
  WeightPlan result;
  bool projects = false;   ///< some numbers become trits
  bool mayProject = false; ///< some numbers could, with other options
};
} // namespace

/// Whether a layer has numbers whose type the options decide.
bool Planner::mayBecomeTrits(const LinearLayer &linear) const {
  if (config.bitNet ||
      (config.quantization && config.quantization->isDense(linear)))
    return false;
  return all_of(listTensorTypes(linear, config.numLayers, checkpoint), isDense);
}

/// Refuses options that cannot have an effect, because the model's own codes
/// and scales stay unchanged.
Error Planner::refuseWithoutEffect() const {
  if ((!saysProjection(options) || projects) &&
      (!options.quantize || mayProject))
    return Error::success();
  return makeError(Problem::NothingToProject,
                   "no weights of the model are projected to trits; they have "
                   "their own codes and scales");
}

Error Planner::addLinears(ArrayRef<LinearLayer> linears) {
  for (const LinearLayer &linear : linears) {
    auto type = chooseLinear(linear, options, keepNumbers, result.projection,
                             config, checkpoint, log);
    if (!type)
      return type.takeError();
    projects |= isProjection(*type, result.projection);
    mayProject |= mayBecomeTrits(linear);
    add(linear.name, config.numLayers,
        "model.layers.{}." + Twine(linear.module) + ".weight",
        {linear.outputs, linear.inputs}, *type);
  }
  return Error::success();
}

/// Adds biases and norms that only some architectures have.
void Planner::addOtherVectors(ArrayRef<LinearLayer> linears) {
  const Architecture &architecture = *config.architecture;
  if (architecture.hasSubNorms) {
    addVector("attention_sub_norm", "self_attn.attn_sub_norm.weight",
              config.numHeads * config.headDim);
    addVector("ffn_sub_norm", "mlp.ffn_sub_norm.weight",
              config.intermediateSize);
  }
  if (architecture.hasQkvBias)
    for (const LinearLayer &linear : linears.take_front(3))
      addVector(Twine(linear.name) + "_bias", Twine(linear.module) + ".bias",
                linear.outputs);
  if (architecture.qkNorm == Architecture::QkNorm::None)
    return;
  for (auto [name, module] : {std::pair("q_norm", architecture.queryNorm),
                              std::pair("k_norm", architecture.keyNorm)})
    addVector(name, "self_attn." + Twine(module) + ".weight", config.headDim);
}

Expected<WeightPlan> Planner::plan() {
  auto projection = chooseProjection(options, config, !checkpoint);
  if (!projection)
    return projection.takeError();
  result.projection = *projection;
  constexpr StringRef embedding = "model.embed_tokens.weight";
  constexpr StringRef head = "lm_head.weight";
  bool isTied = config.tieWordEmbeddings;
  Expected<WeightType> headType =
      options.head
          ? Expected<WeightType>(*options.head)
          : chooseVocabulary(isTied ? embedding : head, DenseFormat::Q8_0);
  if (!headType)
    return headType.takeError();
  // A tied embedding is the head, so it is stored like one.
  Expected<WeightType> embeddingType =
      isTied ? Expected<WeightType>(*headType)
             : chooseVocabulary(embedding, DenseFormat::BF16);
  if (!embeddingType)
    return embeddingType.takeError();
  addVocabulary("embedding", embedding, *embeddingType);
  SmallVector<LinearLayer> linears = listLinearLayers(config);
  addVector("attention_norm", "input_layernorm.weight", config.hiddenSize);
  if (Error error = addLinears(linears))
    return error;
  if (Error error = refuseWithoutEffect())
    return error;
  addOtherVectors(linears);
  addVector("ffn_norm", "post_attention_layernorm.weight", config.hiddenSize);
  add("output_norm", 1, "model.norm.weight", {config.hiddenSize},
      DenseFormat::F32);
  if (!isTied)
    addVocabulary("head", head, *headType);
  return std::move(result);
}

Expected<WeightPlan> sherry::planWeights(const WeightOptions &options,
                                         bool keepNumbers,
                                         const ModelConfig &config,
                                         Checkpoint *checkpoint,
                                         raw_ostream &log) {
  return Planner(options, keepNumbers, config, checkpoint, log).plan();
}
