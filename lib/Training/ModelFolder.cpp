//===- ModelFolder.cpp - Hugging Face folders of the trainer --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/ModelFolder.h"
#include "TensorFiles.h"
#include "sherry/Export/ModelDescription.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::ordered_json;

/// Reads quantization_config, which equals the compiler's except for the name
/// of the method.
static Error parseProjection(const nlohmann::json &root, StringRef file,
                             Projection &projection) {
  std::string error;
  FieldReader reader(file, root, error);
  std::optional<FieldReader> fields = reader.getObject("quantization_config");
  if (!fields)
    return error.empty() ? Error::success() : makeError(error);
  auto kind = parseQuantizerKind(fields->getString("quant_method"));
  if (!kind || *kind == QuantizerKind::None)
    fields->refuse("quant_method", "sherry or binary");
  if (kind == QuantizerKind::Sherry)
    projection.codebook = readCodebook(*fields);
  auto granularity =
      parseGranularity(fields->getString("granularity", "per_group"));
  if (!granularity)
    fields->refuse("granularity", "per_tensor, per_channel or per_group");
  constexpr int64_t maxSize = 1 << 24;
  if (granularity == format::Granularity::PerGroup) {
    projection.groupSize = fields->getInteger("group_size", 4, maxSize, 128);
    if (projection.groupSize % 4 != 0)
      fields->refuse("group_size", "a multiple of 4");
  }
  if (!error.empty())
    return makeError(error);
  projection.kind = *kind;
  projection.granularity = *granularity;
  return Error::success();
}

static Error finishDescription(ModelDescription &description, StringRef file) {
  // The compiler's reader knows only the compiler's own method.
  description.json.erase("quantization_config");
  std::string text = description.json.dump();
  auto config = ModelConfig::parse(MemoryBufferRef(text, file));
  if (!config)
    return config.takeError();
  if (StringRef(config->architecture->name) != "llama")
    return makeError(file + ": is a model of type " +
                     quote(config->architecture->name) +
                     "; sherry-train trains models of type \"llama\"");
  description.config = std::move(*config);
  return Error::success();
}

Expected<ModelDescription> sherry::training::readDescription(StringRef folder) {
  std::string path = joinPath(folder, "config.json");
  constexpr uint64_t maxBytes = 1 << 24;
  auto text = readFile(path, maxBytes);
  if (!text)
    return text.takeError();
  auto root = parseJsonObject((*text)->getBuffer(), path);
  if (!root)
    return root.takeError();
  ModelDescription description;
  if (Error error = parseProjection(*root, path, description.projection))
    return error;
  description.json = ordered_json::parse((*text)->getBuffer().str());
  if (Error error = finishDescription(description, path))
    return error;
  return description;
}

Expected<ModelDescription>
sherry::training::makeDescription(const TrainingConfig &config,
                                  const TextTokenizer &tokenizer) {
  ModelDescription description;
  int64_t vocabSize =
      config.vocabSize == 0 ? tokenizer.getVocabSize() : config.vocabSize;
  if (vocabSize < tokenizer.getVocabSize())
    return makeError("vocab_size is " + Twine(vocabSize) +
                     ", but the tokenizer has " +
                     Twine(tokenizer.getVocabSize()) + " tokens");
  ordered_json &json = description.json;
  json = {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"attention_bias", false},
          {"hidden_act", "silu"},
          {"hidden_size", config.hiddenSize},
          {"intermediate_size", config.intermediateSize},
          {"num_hidden_layers", config.numLayers},
          {"num_attention_heads", config.numHeads},
          {"num_key_value_heads", config.numKeyValueHeads == 0
                                      ? config.numHeads
                                      : config.numKeyValueHeads},
          {"max_position_embeddings", config.maxPositionEmbeddings},
          {"mlp_bias", false},
          {"rms_norm_eps", config.rmsNormEps},
          {"rope_theta", config.ropeTheta},
          {"tie_word_embeddings", config.tieWordEmbeddings},
          {"initializer_range", config.initializerRange},
          {"vocab_size", vocabSize}};
  if (config.headDim != 0)
    json["head_dim"] = config.headDim;
  if (config.ropeScalingFactor != 0)
    json["rope_scaling"] = {
        {"rope_type", "llama3"},
        {"factor", config.ropeScalingFactor},
        {"low_freq_factor", config.ropeLowFreqFactor},
        {"high_freq_factor", config.ropeHighFreqFactor},
        {"original_max_position_embeddings", config.ropeOriginalContext}};
  if (auto bos = tokenizer.getBosToken())
    json["bos_token_id"] = *bos;
  if (auto eos = tokenizer.getEosToken())
    json["eos_token_id"] = *eos;
  if (Error error = finishDescription(description, "the configuration"))
    return error;
  return description;
}

Projection sherry::training::makeProjection(const TrainingConfig &config) {
  Projection projection;
  projection.kind = *parseQuantizerKind(config.quantizer);
  projection.codebook = format::findCodebook(config.codebook);
  projection.granularity = *parseGranularity(config.granularity);
  projection.groupSize = config.groupSize;
  return projection;
}

Expected<Transformer>
sherry::training::loadModel(StringRef folder,
                            const ModelDescription &description,
                            const Projection &projection) {
  auto checkpoint = Checkpoint::open(folder);
  if (!checkpoint)
    return checkpoint.takeError();
  Transformer model(description.config, projection);
  if (Error error = model.load(*checkpoint))
    return error;
  return model;
}

Error sherry::training::writeModelFolder(StringRef folder,
                                         const ModelDescription &description,
                                         const Transformer &model,
                                         format::TensorType storage,
                                         StringRef tokenizerFolder) {
  ordered_json json = description.json;
  json["torch_dtype"] =
      storage == format::TensorType::BF16 ? "bfloat16" : "float32";
  const Projection &projection = model.getProjection();
  if (projection.kind != QuantizerKind::None) {
    ordered_json quantization =
        describeQuantization({{{"lm_head", "model.embed_tokens"}},
                              projection.granularity,
                              projection.groupSize,
                              projection.codebook});
    quantization["quant_method"] = getQuantizerName(projection.kind).str();
    if (projection.kind != QuantizerKind::Sherry)
      for (const char *key : {"codebook", "N", "M"})
        quantization.erase(key);
    json["quantization_config"] = std::move(quantization);
  }
  if (Error error = copyModelFiles(tokenizerFolder, folder))
    return error;
  if (Error error = writeFileAtomically(joinPath(folder, "config.json"),
                                        [&](raw_pwrite_stream &out) {
                                          out << json.dump(2) << "\n";
                                          return Error::success();
                                        }))
    return error;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const Parameter &parameter : model.getParameters())
    tensors.emplace_back(parameter.name, parameter.value);
  return writeTensors(joinPath(folder, "model.safetensors"), tensors, storage);
}
