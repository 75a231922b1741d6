//===- ModelMetadata.cpp - What a compiled model says of itself -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModelMetadata.h"
#include "Statistics.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace sherry;

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

/// The type of the cache's numbers, as the options call it.
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
  json["activations"] =
      getNumerics(module).getActivations().isF32() ? "f32" : "i8";
  auto head = SymbolTable(module).lookup<WeightOp>(
      config.tieWordEmbeddings ? "embedding" : "head");
  json["head"] =
      format::nameOf(*getDenseFormat(head.getTensorType().getElementType()));
  json["kv"] = nameOf(getCache(module));
  describeTernary(module, json);
  if (!tokenizer.chatTemplate.empty())
    json["chat_template"] = llvm::json::fixUTF8(tokenizer.chatTemplate);
  for (const auto &[key, name] : tokenizer.specialTokens) {
    nlohmann::json &value = json["special_tokens"][key];
    if (name)
      value = *name;
  }
  Schedule schedule = getSchedule(module).getSchedule();
  for (const ScheduleField &field : kScheduleFields)
    json["schedule"][field.name] = schedule.*field.value;
  json["target_cpu"] = targetCpu.str();
  json["random_weights"] = hasRandomWeights;
  json["compiler"] = "sherry " SHERRY_VERSION;
  json["steps"] = describeSteps(module);
  return json.dump();
}
