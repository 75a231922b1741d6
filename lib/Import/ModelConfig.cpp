//===- ModelConfig.cpp - The configuration of a model ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ModelConfig.h"
#include "ConfigParts.h"
#include "sherry/Import/GgufConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxConfigBytes = 1 << 24;
static constexpr int64_t kMaxLayers = 1 << 12;

using QkNorm = Architecture::QkNorm;
/// Defaults of llama.cpp: it derives missing values, and requires the others.
static constexpr ConfigDefaults kGgufDefaults = {std::nullopt, std::nullopt, 0,
                                                 0, 0};
static constexpr Architecture kArchitectures[] = {
    {"llama",
     "LlamaForCausalLM",
     "llama",
     {2048, 1e-6, 0, 0, 0},
     false,
     QkNorm::None,
     "",
     "",
     true,
     true},
    {"mistral",
     "MistralForCausalLM",
     "llama",
     {131072, 1e-6, 0, 8, 4096},
     false,
     QkNorm::None,
     "",
     "",
     true,
     true},
    {"hunyuan_v1_dense",
     "HunYuanDenseV1ForCausalLM",
     "hunyuan-dense",
     {2048, 1e-5, 0, 0, 0},
     false,
     QkNorm::AfterRope,
     "query_layernorm",
     "key_layernorm",
     false,
     false},
    {"qwen2",
     "Qwen2ForCausalLM",
     "qwen2",
     {32768, 1e-6, 0, 32, 0},
     true,
     QkNorm::None,
     "",
     "",
     false,
     false},
    {"qwen3",
     "Qwen3ForCausalLM",
     "qwen3",
     {32768, 1e-6, 128, 32, 0},
     false,
     QkNorm::BeforeRope,
     "q_norm",
     "k_norm",
     false,
     false},
    {"bitnet",
     "BitNetForCausalLM",
     "bitnet",
     {2048, 1e-5, 0, 5, 0, 500000},
     false,
     QkNorm::None,
     "",
     "",
     false,
     false,
     true,
     GateActivation::Relu2},
};

const Architecture *Architecture::byName(StringRef name) {
  for (const Architecture &architecture : kArchitectures)
    if (name == architecture.name)
      return &architecture;
  return nullptr;
}

const Architecture *Architecture::byGgufName(StringRef name) {
  // bitnet.cpp's names, the second until April 2025.
  if (name == "bitnet-b1.58" || name == "bitnet-25")
    name = "bitnet";
  for (const Architecture &architecture : kArchitectures)
    if (name == architecture.ggufName)
      return &architecture;
  return nullptr;
}

/// Whether `name` is the class of an architecture, with or without its head
/// (some exports name the latter), also in old spellings ("LLaMAForCausalLM").
static bool isClassOf(const Architecture &architecture, const json &name) {
  if (!name.is_string())
    return false;
  StringRef family = architecture.className,
            text = name.get_ref<const std::string &>();
  family.consume_back("ForCausalLM");
  return text.equals_insensitive(architecture.className) ||
         text.equals_insensitive((family + "Model").str());
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
  const json *classes = reader.find("architectures");
  if (classes && *classes != json::array() &&
      !(classes->is_array() && any_of(*classes, [&](const json &name) {
          return isClassOf(*result, name);
        })))
    reader.refuse("architectures", Twine("[\"") + result->className +
                                       "\"], which model_type " +
                                       quote(result->name) + " goes with");
  return result;
}

/// Models with norms before their last linear layers were trained with either
/// activation.
static GateActivation parseActivation(const FieldReader &reader,
                                      const Architecture &architecture) {
  const json *name = reader.find("hidden_act");
  bool isSilu = name && (*name == "silu" || *name == "swish");
  return architecture.hasSubNorms && isSilu ? GateActivation::Silu
                                            : architecture.activation;
}

static void parseSizes(FieldReader &reader, const ConfigDefaults &defaults,
                       ModelConfig &config) {
  auto getSize = [&](StringRef name, std::optional<int64_t> fallback = {}) {
    return reader.getInteger(name, 1, kMaxSize, fallback);
  };
  auto mustBeMultipleOf4 = [&](StringRef name, int64_t value) {
    if (value % format::kDotInputs != 0)
      reader.refuse(name, "a multiple of 4");
  };
  config.vocabSize = getSize("vocab_size");
  config.hiddenSize = getSize("hidden_size");
  mustBeMultipleOf4("hidden_size", config.hiddenSize);
  config.intermediateSize = getSize("intermediate_size");
  mustBeMultipleOf4("intermediate_size", config.intermediateSize);
  config.numLayers = reader.getInteger("num_hidden_layers", 1, kMaxLayers);
  config.maxPositionEmbeddings =
      getSize("max_position_embeddings", defaults.context);

  config.numHeads = getSize("num_attention_heads");
  bool hasDefault =
      defaults.numKeyValueHeads != 0 && !reader.isNull("num_key_value_heads");
  config.numKeyValueHeads =
      getSize("num_key_value_heads",
              hasDefault ? defaults.numKeyValueHeads : config.numHeads);
  std::string heads = reader.spell("num_attention_heads");
  if (config.numHeads % config.numKeyValueHeads != 0)
    reader.refuse("num_key_value_heads", "a divisor of " + heads +
                                             ", which is " +
                                             Twine(config.numHeads));

  std::string hidden = reader.spell("hidden_size");
  bool derived = defaults.headDim == 0 && !reader.find("head_dim");
  if (derived && config.hiddenSize % config.numHeads != 0)
    reader.refuse("head_dim",
                  "given, as " + heads + " does not divide " + hidden);
  config.headDim = getSize(
      "head_dim", defaults.headDim != 0 ? defaults.headDim
                                        : config.hiddenSize / config.numHeads);
  int64_t width = config.numHeads * config.headDim;
  if (config.headDim % 2 != 0 || config.headDim > kMaxHeadDim || width == 0 ||
      width % format::kDotInputs != 0 || width > kMaxSize)
    reader.refuse(
        "head_dim",
        (derived ? "given or " + hidden + " / " + heads + " be " : "") +
            "even and at most " + Twine(kMaxHeadDim) + ", and times " + heads +
            " a multiple of 4 and at most " + Twine(kMaxSize));
}

/// The tokens among `ids` of field `name`. Ids that are not tokens are left out
/// with a note, as in other programs, because vocabularies of models get
/// smaller.
static SmallVector<int64_t> takeTokens(FieldReader &reader, StringRef file,
                                       StringRef name, const json &ids,
                                       ModelConfig &config) {
  SmallVector<int64_t> tokens;
  const json *wrong = nullptr;
  size_t numWrong = 0;
  for (const json &id : ids) {
    if (!id.is_number_integer()) {
      reader.refuse(name, "an id below " + reader.spell("vocab_size"));
      return tokens;
    }
    // As an unsigned number, a negative id is beyond the vocabulary.
    if (id.get<uint64_t>() < static_cast<uint64_t>(config.vocabSize))
      tokens.push_back(id.get<int64_t>());
    else if (numWrong++ == 0)
      wrong = &id;
  }
  if (wrong) {
    std::string left = numWrong == 1
                           ? "it is left out"
                           : "it and " + std::to_string(numWrong - 1) +
                                 " more of the list are left out";
    config.notes.push_back((file + ": " + reader.spell(name) + " says " +
                            wrong->dump() +
                            ", which is not a token, as there are " +
                            Twine(config.vocabSize) + "; " + left)
                               .str());
  }
  return tokens;
}

/// Token ids of `reader` replace those of `config`.
static void parseTokenIds(FieldReader &reader, StringRef file,
                          ModelConfig &config) {
  auto take = [&](StringRef name, const json &ids) {
    return takeTokens(reader, file, name, ids, config);
  };
  if (const json *bos = reader.find("bos_token_id")) {
    SmallVector<int64_t> tokens = take("bos_token_id", json::array({*bos}));
    if (!tokens.empty())
      config.bosTokenId = tokens.front();
  }
  const json *eos = reader.find("eos_token_id");
  if (!eos)
    return;
  const json ids = eos->is_array() ? *eos : json::array({*eos});
  SmallVector<int64_t> tokens = take("eos_token_id", ids);
  if (!tokens.empty() || ids.empty())
    config.eosTokenIds = std::move(tokens);
}

static Expected<ModelConfig> parseFields(StringRef file, const json &object,
                                         const TranslatedConfig *translated) {
  std::string error;
  FieldReader reader(file, object, error, "",
                     translated ? &translated->names : nullptr);
  ModelConfig config;
  config.architecture = parseArchitecture(reader);
  const ConfigDefaults &defaults =
      translated ? kGgufDefaults : config.architecture->defaults;
  parseSizes(reader, defaults, config);
  // Smaller numbers may become 0 in f32.
  constexpr double minEpsilon = 1e-30;
  config.rmsNormEps =
      reader.getNumber("rms_norm_eps", minEpsilon, 1, defaults.epsilon);
  config.tieWordEmbeddings = reader.getBool("tie_word_embeddings", false);
  config.activation = parseActivation(reader, *config.architecture);
  refuseOtherModels(reader, config);
  refuseWindows(reader, config, defaults.window);
  if (translated) {
    FieldReader others(file, translated->others, error, translated->prefix,
                       &translated->names);
    refuseOtherKeys(others, config);
    parseSampling(FieldReader(file, translated->generation, error, "",
                              &translated->names),
                  file, config);
  }
  parseRope(reader, defaults.ropeTheta, config);
  parseQuantization(reader, config);
  parseTokenIds(reader, file, config);
  if (reader.failed())
    return makeError(error);
  return config;
}

Expected<ModelConfig> ModelConfig::parse(MemoryBufferRef text) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  return parseFields(file, *object, nullptr);
}

Expected<ModelConfig> ModelConfig::parse(StringRef file,
                                         const TranslatedConfig &translated) {
  return parseFields(file, translated.fields, &translated);
}

Error ModelConfig::applyGenerationConfig(MemoryBufferRef text) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(file, *object, error);
  parseTokenIds(reader, file, *this);
  parseSampling(reader, file, *this);
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
