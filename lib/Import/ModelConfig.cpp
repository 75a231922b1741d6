//===- ModelConfig.cpp - What config.json says about a model --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ModelConfig.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxConfigBytes = 1 << 24;
static constexpr int64_t kMaxLayers = 1 << 12;

using QkNorm = Architecture::QkNorm;
static constexpr Architecture kArchitectures[] = {
    {"llama", "LlamaForCausalLM", "llama", false, QkNorm::None, "", "", true},
    {"hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM", "hunyuan-dense", false,
     QkNorm::AfterRope, "query_layernorm", "key_layernorm", false},
    {"qwen2", "Qwen2ForCausalLM", "qwen2", true, QkNorm::None, "", "", false},
    {"qwen3", "Qwen3ForCausalLM", "qwen3", false, QkNorm::BeforeRope, "q_norm",
     "k_norm", false},
};

const Architecture *Architecture::byName(StringRef name) {
  for (const Architecture &architecture : kArchitectures)
    if (name == architecture.name)
      return &architecture;
  return nullptr;
}

const Architecture *Architecture::byGgufName(StringRef name) {
  for (const Architecture &architecture : kArchitectures)
    if (name == architecture.ggufName)
      return &architecture;
  return nullptr;
}

static const Architecture *parseArchitecture(FieldReader &reader) {
  const Architecture *result =
      Architecture::byName(reader.getString("model_type"));
  if (!result) {
    std::string names;
    for (const Architecture &architecture : kArchitectures)
      names += (names.empty() ? "\"" : ", \"") +
               std::string(architecture.name) + "\"";
    reader.refuse("model_type", "one of " + names);
    return &kArchitectures[0];
  }
  const json *architectures = reader.find("architectures");
  if (architectures && *architectures != json::array({result->className}))
    reader.refuse("architectures", Twine("[\"") + result->className +
                                       "\"], which model_type " +
                                       quote(result->name) + " goes with");
  if (reader.getString("hidden_act", "silu") != "silu")
    reader.refuse("hidden_act", "\"silu\"");
  for (StringRef name : {"attention_bias", "mlp_bias"})
    if (reader.getBool(name, false))
      reader.refuse(name, "false; these biases are not supported");
  for (StringRef name : {"use_sliding_window", "use_cla"})
    if (reader.getBool(name, false))
      reader.refuse(name, "false; this kind of attention is not supported");
  bool hasNorm = result->qkNorm != QkNorm::None;
  if (reader.getBool("use_qk_norm", hasNorm) != hasNorm)
    reader.refuse("use_qk_norm", hasNorm ? "true" : "false");
  return result;
}

static void parseSizes(FieldReader &reader, ModelConfig &config) {
  auto getSize = [&](StringRef name, std::optional<int64_t> fallback = {}) {
    return reader.getInteger(name, 1, kMaxSize, fallback);
  };
  auto mustBeMultipleOf4 = [&](StringRef name, int64_t value) {
    if (value % format::kGroupInputs != 0)
      reader.refuse(name, "a multiple of 4");
  };
  config.vocabSize = getSize("vocab_size");
  config.hiddenSize = getSize("hidden_size");
  mustBeMultipleOf4("hidden_size", config.hiddenSize);
  config.intermediateSize = getSize("intermediate_size");
  mustBeMultipleOf4("intermediate_size", config.intermediateSize);
  config.numLayers = reader.getInteger("num_hidden_layers", 1, kMaxLayers);
  config.maxPositionEmbeddings = getSize("max_position_embeddings", 2048);

  config.numHeads = getSize("num_attention_heads");
  config.numKeyValueHeads = getSize("num_key_value_heads", config.numHeads);
  if (config.numHeads % config.numKeyValueHeads != 0)
    reader.refuse("num_key_value_heads", "a divisor of num_attention_heads");

  bool derived = !reader.find("head_dim");
  if (derived && config.hiddenSize % config.numHeads != 0)
    reader.refuse("head_dim", "given, as num_attention_heads does not divide "
                              "hidden_size");
  config.headDim = getSize("head_dim", config.hiddenSize / config.numHeads);
  int64_t width = config.numHeads * config.headDim;
  if (config.headDim % 2 != 0 || width == 0 ||
      width % format::kGroupInputs != 0 || width > kMaxSize)
    reader.refuse("head_dim", (derived ? "given or hidden_size / "
                                         "num_attention_heads be "
                                       : "") +
                                  Twine("even, and times num_attention_heads a "
                                        "multiple of 4 and at most ") +
                                  Twine(kMaxSize));
}

/// rope_theta and the scaling, in the old spelling (rope_theta beside
/// rope_scaling) or the new one (both in rope_parameters).
static void parseRope(FieldReader &reader, ModelConfig &config) {
  constexpr double minTheta = 1, maxTheta = 1e15, maxFactor = 1e6;
  config.ropeTheta = reader.getNumber("rope_theta", minTheta, maxTheta, 10000);
  std::optional<FieldReader> scaling = reader.getObject("rope_parameters");
  if (scaling)
    config.ropeTheta =
        scaling->getNumber("rope_theta", minTheta, maxTheta, config.ropeTheta);
  else
    scaling = reader.getObject("rope_scaling");
  if (!scaling)
    return;
  StringRef typeField = scaling->find("type") ? "type" : "rope_type";
  std::string type = scaling->getString(typeField);
  if (type == "default")
    return;
  // HunYuan's "dynamic" scales once and for all (transformers,
  // modeling_hunyuan_v1_dense).
  if (type == "dynamic" && scaling->find("alpha")) {
    double alpha = scaling->getNumber("alpha", 1e-3, 1e9);
    scaling->getNumber("factor", 1, 1, 1);
    auto dim = static_cast<double>(config.headDim);
    if (dim > 2)
      config.ropeTheta *= std::pow(alpha, dim / (dim - 2));
    return;
  }
  if (type != "llama3") {
    scaling->refuse(typeField, "\"llama3\" or \"default\", the only ones that "
                               "are supported");
    return;
  }
  RopeScaling result;
  result.factor = scaling->getNumber("factor", 1, maxFactor);
  result.lowFreqFactor = scaling->getNumber("low_freq_factor", 1e-6, maxFactor);
  result.highFreqFactor =
      scaling->getNumber("high_freq_factor", 1e-6, maxFactor);
  if (result.lowFreqFactor >= result.highFreqFactor)
    scaling->refuse("high_freq_factor", "above low_freq_factor");
  result.originalMaxPositionEmbeddings =
      scaling->getInteger("original_max_position_embeddings", 1, kMaxSize);
  config.ropeScaling = result;
}

StringRef sherry::getGranularityName(format::Granularity granularity) {
  switch (granularity) {
  case format::Granularity::PerTensor:
    return "per_tensor";
  case format::Granularity::PerChannel:
    return "per_channel";
  case format::Granularity::PerGroup:
    return "per_group";
  }
  llvm_unreachable("unknown granularity");
}

static void parseQuantization(FieldReader &reader, ModelConfig &config) {
  std::optional<FieldReader> fields = reader.getObject("quantization_config");
  if (!fields)
    return;
  if (fields->getString("quant_method") != "sherry") {
    fields->refuse("quant_method", "\"sherry\"; checkpoints quantized by other "
                                   "methods are not supported");
    return;
  }
  QuantizationConfig result;
  auto granularity = StringSwitch<std::optional<format::Granularity>>(
                         fields->getString("granularity", "per_group"))
                         .Case("per_tensor", format::Granularity::PerTensor)
                         .Case("per_channel", format::Granularity::PerChannel)
                         .Case("per_group", format::Granularity::PerGroup)
                         .Default(std::nullopt);
  if (!granularity)
    fields->refuse("granularity", "\"per_tensor\", \"per_channel\" or "
                                  "\"per_group\"");
  result.granularity = granularity.value_or(format::Granularity::PerGroup);
  constexpr int64_t defaultGroupSize = 128;
  // Only meaningful per group; elsewhere it may be anything, such as -1.
  result.groupSize = defaultGroupSize;
  if (result.granularity == format::Granularity::PerGroup) {
    result.groupSize =
        fields->getInteger("group_size", 4, kMaxSize, defaultGroupSize);
    if (result.groupSize % format::kGroupInputs != 0)
      fields->refuse("group_size", "a multiple of 4");
  }
  // Three of four weights are kept: the code has no other pattern.
  fields->getInteger("N", 3, 3, 3);
  fields->getInteger("M", 4, 4, 4);
  if (const json *modules = fields->find("modules_to_not_convert")) {
    bool valid = modules->is_array();
    for (const json &module : valid ? *modules : json::array())
      if ((valid = valid && module.is_string()))
        result.modulesToNotConvert.push_back(module.get<std::string>());
    if (!valid)
      fields->refuse("modules_to_not_convert", "a list of strings");
  }
  config.quantization = std::move(result);
}

/// Token ids that `reader` has replace those of `config`.
static void parseTokenIds(FieldReader &reader, ModelConfig &config) {
  auto isId = [&](const json &value) {
    return value.is_number_unsigned() &&
           value.get<uint64_t>() < static_cast<uint64_t>(config.vocabSize);
  };
  if (const json *bos = reader.find("bos_token_id")) {
    if (isId(*bos))
      config.bosTokenId = bos->get<int64_t>();
    else
      reader.refuse("bos_token_id", "an id below vocab_size");
  }
  if (const json *eos = reader.find("eos_token_id")) {
    config.eosTokenIds.clear();
    for (const json &id : eos->is_array() ? *eos : json::array({*eos})) {
      if (!isId(id))
        return reader.refuse("eos_token_id",
                             "an id below vocab_size or a list of such ids");
      config.eosTokenIds.push_back(id.get<int64_t>());
    }
  }
}

Expected<ModelConfig> ModelConfig::parse(MemoryBufferRef text) {
  auto object = parseJsonObject(text.getBuffer(), text.getBufferIdentifier());
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(text.getBufferIdentifier(), *object, error);
  ModelConfig config;
  config.architecture = parseArchitecture(reader);
  parseSizes(reader, config);
  config.rmsNormEps = reader.getNumber("rms_norm_eps", 0, 1, 1e-6);
  config.tieWordEmbeddings = reader.getBool("tie_word_embeddings", false);
  parseRope(reader, config);
  parseQuantization(reader, config);
  parseTokenIds(reader, config);
  if (reader.failed())
    return makeError(error);
  return config;
}

Error ModelConfig::applyGenerationConfig(MemoryBufferRef text) {
  auto object = parseJsonObject(text.getBuffer(), text.getBufferIdentifier());
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(text.getBufferIdentifier(), *object, error);
  parseTokenIds(reader, *this);
  return reader.failed() ? makeError(error) : Error::success();
}

Expected<ModelConfig> ModelConfig::load(StringRef directory) {
  std::string path = joinPath(directory, "config.json");
  if (!sys::fs::exists(path))
    return makeError(path + ": no such file; give the folder of a Hugging Face "
                            "checkpoint");
  auto text = readFile(path, kMaxConfigBytes);
  if (!text)
    return text.takeError();
  auto config = parse((*text)->getMemBufferRef());
  std::string generation = joinPath(directory, "generation_config.json");
  if (!config || !sys::fs::exists(generation))
    return config;
  auto generationText = readFile(generation, kMaxConfigBytes);
  if (!generationText)
    return generationText.takeError();
  if (Error error =
          config->applyGenerationConfig((*generationText)->getMemBufferRef()))
    return error;
  return config;
}

SmallVector<LinearLayer> sherry::listLinearLayers(const ModelConfig &config) {
  int64_t query = config.numHeads * config.headDim;
  int64_t keyValue = config.numKeyValueHeads * config.headDim;
  int64_t hidden = config.hiddenSize, ffn = config.intermediateSize;
  return {{"q", "self_attn.q_proj", query, hidden},
          {"k", "self_attn.k_proj", keyValue, hidden},
          {"v", "self_attn.v_proj", keyValue, hidden},
          {"o", "self_attn.o_proj", hidden, query},
          {"gate", "mlp.gate_proj", ffn, hidden},
          {"up", "mlp.up_proj", ffn, hidden},
          {"down", "mlp.down_proj", hidden, ffn}};
}

std::string sherry::nameWeight(const LinearLayer &linear, int64_t layer) {
  return "model.layers." + std::to_string(layer) + "." + linear.module +
         ".weight";
}
