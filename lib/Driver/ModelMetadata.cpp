//===- ModelMetadata.cpp - The description of a model ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModelMetadata.h"
#include "Statistics.h"
#include "sherry-abi/limits.h"
#include "sherry-abi/metadata.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace sherry;

/// The steps, in the order of the numbers with which the code takes ranges.
static nlohmann::json describeSteps(ModuleOp module) {
  namespace step = metadata::step;
  nlohmann::json result = nlohmann::json::array();
  SymbolTable symbols(module);
  ArrayAttr steps =
      SherryDialect::StepsAttrHelper(module.getContext()).getAttr(module);
  for (auto stepAttr : steps.getAsRange<DictionaryAttr>()) {
    nlohmann::json &entry = result.emplace_back();
    for (StringRef name : {step::kEntry, step::kOp})
      entry[name.str()] = stepAttr.getAs<StringAttr>(name).str();
    auto name = stepAttr.getAs<FlatSymbolRefAttr>(step::kWeight);
    if (!name)
      continue;
    auto weight = symbols.lookup<WeightOp>(name.getValue());
    RankedTensorType type = weight.getTensorType();
    entry[step::kWeight] = name.getValue().str();
    entry[step::kShape] = type.getShape();
    // An embedding reads one row of its weight.
    if (entry[step::kOp] == "embedding")
      continue;
    entry[step::kBytes] = weight.getByteSize();
    if (entry[step::kOp] == "linear" || entry[step::kOp] == "gated_linear")
      entry[step::kMultiplyAdds] = type.getNumElements();
  }
  return result;
}

/// The bytes of the weights that are matrices; none if these are too many.
static nlohmann::json describeMatrices(ModuleOp module) {
  namespace matrix = metadata::matrix;
  nlohmann::json result = nlohmann::json::array();
  for (auto weight : module.getOps<WeightOp>())
    if (weight.getTensorType().getRank() == 2)
      result.push_back({{matrix::kWeight, weight.getSymName().str()},
                        {matrix::kOffset, *weight.getOffset()},
                        {matrix::kStride, *weight.getStride()},
                        {matrix::kCount, weight.getCount()},
                        {matrix::kBytes, weight.getByteSize()}});
  if (result.size() > SHERRY_ABI_MAX_MATRICES)
    result.clear();
  return result;
}

/// Describes the encoding of the ternary weights, if all have the same.
static void describeTernary(ModuleOp module, nlohmann::json &json) {
  llvm::SmallSetVector<TernaryAttr, 2> encodings;
  for (auto weight : module.getOps<WeightOp>())
    if (TernaryAttr ternary = weight.getTernary())
      encodings.insert(ternary.withLayout(LayoutAttr()));
  if (encodings.empty())
    return;
  json[metadata::kBitsPerWeight] = getBitsPerWeight(module);
  if (encodings.size() > 1) {
    json[metadata::kGranularity] = "mixed";
    return;
  }
  TernaryAttr encoding = encodings.front();
  json[metadata::kCodebook] = encoding.getCodebook().getName().str();
  json[metadata::kGranularity] =
      stringifyGranularity(encoding.getGranularity()).str();
  if (encoding.getGranularity() == Granularity::PerGroup)
    json[metadata::kGroupSize] = encoding.getGroupSize();
  if (encoding.getGrouping() != Grouping::Contiguous)
    json[metadata::kGrouping] = stringifyGrouping(encoding.getGrouping()).str();
  json[metadata::kScaleType] = encoding.getScale().isF16() ? "f16" : "f32";
}

/// The name of the type of the cache's numbers in the options.
static const char *nameOf(KVCacheType cache) {
  Type type = cache.getElementType();
  return type.isInteger(8) ? "i8" : type.isF16() ? "f16" : "f32";
}

std::string sherry::makeMetadata(ModuleOp module, const ModelConfig &config,
                                 const TokenizerFile &tokenizer,
                                 StringRef model, StringRef targetCpu,
                                 bool hasRandomWeights) {
  nlohmann::json json;
  llvm::SmallString<128> path(model);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/false);
  while (path.size() > 1 && llvm::sys::path::is_separator(path.back()))
    path.pop_back();
  json[metadata::kName] = llvm::json::fixUTF8(llvm::sys::path::filename(path));
  json[metadata::kArchitecture] = config.architecture->name;
  json[metadata::kVocabSize] = config.vocabSize;
  json[metadata::kHiddenSize] = config.hiddenSize;
  json[metadata::kIntermediateSize] = config.intermediateSize;
  json[metadata::kNumHiddenLayers] = config.numLayers;
  json[metadata::kNumAttentionHeads] = config.numHeads;
  json[metadata::kNumKeyValueHeads] = config.numKeyValueHeads;
  json[metadata::kHeadDim] = config.headDim;
  json[metadata::kMaxPositionEmbeddings] = config.maxPositionEmbeddings;
  json[metadata::kRopeTheta] = config.ropeTheta;
  json[metadata::kTieWordEmbeddings] = config.tieWordEmbeddings;
  json[metadata::kBosTokenId] = nullptr;
  if (config.bosTokenId)
    json[metadata::kBosTokenId] = *config.bosTokenId;
  json[metadata::kEosTokenIds] = std::vector<int64_t>(
      config.eosTokenIds.begin(), config.eosTokenIds.end());
  json[metadata::kAddBosToken] = tokenizer.addBos;
  for (const SamplingField &field : listSamplingFields())
    if (auto it = config.sampling.find(field.name);
        it != config.sampling.end()) {
      nlohmann::json &value = json[metadata::kSampling][field.name];
      if (field.isInteger)
        value = static_cast<uint64_t>(it->second);
      else
        value = it->second;
    }
  json[metadata::kActivations] =
      getNumerics(module).getActivations().isF32() ? "f32"
      : getNumerics(module).getPerToken()          ? "i8-token"
                                                   : "i8";
  auto head = SymbolTable(module).lookup<WeightOp>(
      config.tieWordEmbeddings ? "embedding" : "head");
  json[metadata::kHead] = describeFormat(head);
  json[metadata::kKv] = nameOf(getCache(module));
  describeTernary(module, json);
  if (!tokenizer.chatTemplate.empty())
    json[metadata::kChatTemplate] = llvm::json::fixUTF8(tokenizer.chatTemplate);
  for (const auto &[key, name] : tokenizer.specialTokens) {
    nlohmann::json &value = json[metadata::kSpecialTokens][key];
    if (name)
      value = *name;
  }
  Schedule schedule = getSchedule(module).getSchedule();
  for (const ScheduleField &field : kScheduleFields)
    json[metadata::kSchedule][field.name] = schedule.*field.value;
  if (getRanks(module) > 1)
    json[metadata::kRanks] = getRanks(module);
  json[metadata::kTargetCpu] = targetCpu.str();
  json[metadata::kRandomWeights] = hasRandomWeights;
  json[metadata::kCompiler] = "sherry " SHERRY_VERSION;
  json[metadata::kSteps] = describeSteps(module);
  json[metadata::kMatrices] = describeMatrices(module);
  return json.dump();
}
