//===- GgufModelConfig.cpp - GGUF values as a config.json -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GgufTranslator.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Import/ModelConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

double sherry::readDecimal(double number) {
  char text[64];
  char *end = std::to_chars(std::begin(text), std::end(text),
                            static_cast<float>(number))
                  .ptr;
  double decimal = number;
  bool failed = StringRef(text, end - text).getAsDouble(decimal);
  return failed ? number : decimal;
}

/// Element `place` of an array; a value that is not an array has index 0.
static json toJson(const GgufValue &value, uint64_t place) {
  switch (value.getType()) {
  case GgufType::String:
    return value.getString(place)->str();
  case GgufType::Bool:
    return value.getBytes()[place] != 0;
  case GgufType::F32: {
    double number = *value.getNumber(place);
    return std::isfinite(number) ? readDecimal(number) : number;
  }
  case GgufType::F64:
    return *value.getNumber(place);
  default:
    if (auto integer = value.getInteger(place))
      return *integer;
    // Numbers beyond int64.
    return support::endian::read64le(value.getBytes().data() +
                                     place * sizeof(uint64_t));
  }
}

static json toJson(const GgufValue &value) {
  if (!value.isArray())
    return toJson(value, 0);
  // Lists of a configuration are shorter; a cut list is still a list.
  constexpr uint64_t maxLength = 1 << 16;
  json list = json::array();
  for (uint64_t i = 0; i < std::min(value.size(), maxLength); ++i)
    list.push_back(toJson(value, i));
  return list;
}

json GgufTranslator::get(StringRef key) const {
  const GgufValue *value = find(key);
  return value ? toJson(*value) : json();
}

Error GgufTranslator::fail(const Twine &key, const Twine &problem) const {
  return makeError(file.getPath() + ": key \"" + key + "\" " + problem);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Error GgufTranslator::takeSizes() {
  constexpr std::pair<const char *, const char *> sizes[] = {
      {"embedding_length", "hidden_size"},
      {"feed_forward_length", "intermediate_size"},
      {"block_count", "num_hidden_layers"},
      {"attention.head_count", "num_attention_heads"},
      {"attention.head_count_kv", "num_key_value_heads"},
      {"attention.key_length", "head_dim"},
      {"context_length", "max_position_embeddings"},
      {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
      {"rope.freq_base", "rope_theta"}};
  for (auto [key, field] : sizes) {
    result.names[field] = result.prefix + key;
    json value = get(key);
    if (value.is_array()) {
      bool isSame = !value.empty() && value.size() == get("block_count") &&
                    all_of(value, [&](const json &x) { return x == value[0]; });
      if (!isSame)
        return fail(result.prefix + key,
                    "is a list; it must be one number or the same for each "
                    "layer, as models whose layers differ are not supported");
      value = json(value[0]);
    }
    if (!value.is_null())
      result.fields[field] = std::move(value);
  }
  result.names["sliding_window"] = result.prefix + "attention.sliding_window";
  json window = get("attention.sliding_window");
  if (!window.is_null() && !(window == 0))
    result.fields.update(
        {{"sliding_window", window}, {"use_sliding_window", true}});
  return Error::success();
}

int64_t GgufTranslator::getHeadDim() const {
  auto get = [&](const char *field) -> int64_t {
    auto it = result.fields.find(field);
    return it != result.fields.end() && it->is_number_integer()
               ? it->get<int64_t>()
               : 0;
  };
  int64_t heads = get("num_attention_heads"), size = get("head_dim");
  return size == 0 && heads > 0 ? get("hidden_size") / heads : size;
}

/// Without the key, the activation is SiLU. Exception: the model of which most
/// files of this architecture are; these files are older than the key.
void GgufTranslator::takeActivation(const Architecture &architecture) {
  if (!architecture.hasSubNorms)
    return;
  constexpr const char *key = "hidden_activation";
  result.names["hidden_act"] = result.prefix + key;
  json name = get(key);
  bool isKnown = result.prefix != std::string(architecture.ggufName) + "." ||
                 (result.fields.value("vocab_size", json()) == 128256 &&
                  result.fields.value("intermediate_size", json()) == 6912);
  if (name.is_null())
    name = isKnown ? "relu2" : "silu";
  result.fields["hidden_act"] = std::move(name);
}

/// Reads the projection of numbers, as sherry-quantize writes it.
void GgufTranslator::takeQuantization() {
  for (const char *field :
       {"codebook", "granularity", "group_size", "modules_to_not_convert"}) {
    std::string key = std::string("sherry.") + field;
    result.names[std::string("quantization_config.") + field] = key;
    if (const GgufValue *value = file.find(key))
      result.fields["quantization_config"][field] = toJson(*value);
  }
  if (result.fields.contains("quantization_config"))
    result.fields["quantization_config"]["quant_method"] = "sherry";
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

void GgufTranslator::takeVocabulary() {
  json size = get("vocab_size");
  result.names["vocab_size"] = result.prefix + "vocab_size";
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  if (size.is_null() && tokens && tokens->isArray())
    size = tokens->size();
  if (!size.is_null())
    result.fields["vocab_size"] = std::move(size);
}

/// Leaves out ids that are not tokens, as llama.cpp does.
Error GgufTranslator::takeTokenIds() {
  const json size = result.fields.value("vocab_size", json());
  auto isToken = [&](int64_t id) { return id >= 0 && size > json(id); };
  for (StringRef kind : {"bos", "eos", "eot", "eom"}) {
    std::string key = ("tokenizer.ggml." + kind + "_token_id").str();
    const GgufValue *value = file.find(key);
    if (!value || !size.is_number_integer())
      continue;
    auto id = value->getInteger();
    if (!id)
      return fail(key, "is not an integer; it must be the id of a token");
    if (!isToken(*id))
      result.notes.push_back((file.getPath() + ": " + key + " says " +
                              Twine(*id) +
                              ", which is not a token, as there are " +
                              size.dump() + "; it is left out")
                                 .str());
  }
  if (auto bos = getTokenId(file, "bos"); bos && isToken(*bos))
    result.fields["bos_token_id"] = *bos;
  json ends = json::array();
  for (int64_t id : listEndTokens(file))
    if (isToken(id))
      ends.push_back(id);
  result.fields["eos_token_id"] = std::move(ends);
  return Error::success();
}

void GgufTranslator::takeSampling() {
  result.generation = json::object();
  for (const SamplingField &field : listSamplingFields()) {
    if (!field.ggufKey)
      continue;
    result.names[field.name] = field.ggufKey;
    if (const GgufValue *value = file.find(field.ggufKey))
      result.generation[field.name] = toJson(*value);
  }
}

/// Refuses rotations of the inputs of layers: without them a model would have
/// other results.
Error GgufTranslator::refuseRotations() const {
  auto it = file.getValues().lower_bound("prism.hadamard.");
  if (it != file.getValues().end() &&
      StringRef(it->first).starts_with("prism.hadamard."))
    return fail(it->first,
                "calls for Hadamard transforms of activations, which "
                "are not supported; take a model without them");
  return Error::success();
}

Expected<TranslatedConfig> GgufTranslator::run() {
  if (Error error = refuseRotations())
    return error;
  const GgufValue *nameValue = file.find("general.architecture");
  StringRef name =
      nameValue ? nameValue->getString().value_or("") : StringRef();
  const Architecture *architecture = Architecture::byGgufName(name);
  if (!architecture)
    return fail("general.architecture",
                "is " + quote(name) +
                    "; it must be \"llama\", \"hunyuan-dense\", \"qwen2\", "
                    "\"qwen3\", \"bitnet\", \"bitnet-b1.58\" or \"bitnet-25\", "
                    "the only "
                    "ones that are supported");
  result.prefix = (name + ".").str();
  result.fields = {{"model_type", architecture->name},
                   {"architectures", {architecture->className}}};
  result.others = json::object();
  for (const auto &[key, value] : file.getValues())
    if (StringRef rest = key; rest.consume_front(result.prefix))
      result.others[rest.str()] = toJson(value);
  if (Error error = takeSizes())
    return error;
  takeQuantization();
  takeVocabulary();
  takeActivation(*architecture);
  if (Error error = takeTokenIds())
    return error;
  takeSampling();
  if (Error error = takeRope())
    return error;
  bool hasHead = any_of(model.files, [](const auto &part) {
    return part->hasTensor("output.weight");
  });
  result.fields["tie_word_embeddings"] = !hasHead;
  return std::move(result);
}

Expected<TranslatedConfig> sherry::translateConfig(const GgufModel &model) {
  return GgufTranslator(model).run();
}
