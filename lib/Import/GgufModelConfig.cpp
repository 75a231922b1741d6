//===- GgufModelConfig.cpp - GGUF values as a config.json -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufConfig.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Import/ModelConfig.h"
#include "sherry/Support/RopeScaling.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

/// The decimal number that was meant by one in f32.
static double readDecimal(double number) {
  char text[64];
  char *end = std::to_chars(std::begin(text), std::end(text),
                            static_cast<float>(number))
                  .ptr;
  double decimal = number;
  bool failed = StringRef(text, end - text).getAsDouble(decimal);
  return failed ? number : decimal;
}

/// An element of an array, or a value by place 0.
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
    // What is beyond int64.
    return support::endian::read64le(value.getBytes().data() +
                                     place * sizeof(uint64_t));
  }
}

static json toJson(const GgufValue &value) {
  if (!value.isArray())
    return toJson(value, 0);
  // No list of a configuration is longer; what is cut is still a list.
  constexpr uint64_t maxLength = 1 << 16;
  json list = json::array();
  for (uint64_t i = 0; i < std::min(value.size(), maxLength); ++i)
    list.push_back(toJson(value, i));
  return list;
}

namespace {
class Translator {
public:
  explicit Translator(const GgufModel &model)
      : model(model), file(model.first()) {}

  Expected<TranslatedConfig> run();

private:
  const GgufValue *find(StringRef key) const {
    return file.find(result.prefix + key.str());
  }
  /// The value as JSON; null if there is none.
  json get(StringRef key) const {
    const GgufValue *value = find(key);
    return value ? toJson(*value) : json();
  }
  Error fail(const Twine &key, const Twine &problem) const {
    return makeError(file.getPath() + ": key \"" + key + "\" " + problem);
  }

  Error takeSizes();
  void takeQuantization();
  void takeVocabulary();
  Error takeTokenIds();
  void takeSampling();
  Error takeRope();
  void takeYarn(json factor);
  Error takeDivisors(json factor, double magnitude);
  Expected<std::vector<float>> readDivisors() const;
  int64_t getHeadDim() const;

  const GgufModel &model;
  const GgufFile &file;
  TranslatedConfig result;
};
} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Error Translator::takeSizes() {
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

int64_t Translator::getHeadDim() const {
  auto get = [&](const char *field) -> int64_t {
    auto it = result.fields.find(field);
    return it != result.fields.end() && it->is_number_integer()
               ? it->get<int64_t>()
               : 0;
  };
  int64_t heads = get("num_attention_heads"), size = get("head_dim");
  return size == 0 && heads > 0 ? get("hidden_size") / heads : size;
}

/// How dense weights are to be projected, as sherry-quantize writes it.
void Translator::takeQuantization() {
  for (const char *field :
       {"granularity", "group_size", "modules_to_not_convert"}) {
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

void Translator::takeVocabulary() {
  json size = get("vocab_size");
  result.names["vocab_size"] = result.prefix + "vocab_size";
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  if (size.is_null() && tokens && tokens->isArray())
    size = tokens->size();
  if (!size.is_null())
    result.fields["vocab_size"] = std::move(size);
}

/// Ids that are no tokens are left out, as llama.cpp does.
Error Translator::takeTokenIds() {
  const json size = result.fields.value("vocab_size", json());
  auto isToken = [&](int64_t id) { return id >= 0 && size > json(id); };
  for (StringRef kind : {"bos", "eos", "eot", "eom"}) {
    std::string key = ("tokenizer.ggml." + kind + "_token_id").str();
    const GgufValue *value = file.find(key);
    if (!value || !size.is_number_integer())
      continue;
    auto id = value->getInteger();
    if (!id)
      return fail(key, "is no integer; it must be the id of a token");
    if (!isToken(*id))
      result.notes.push_back((file.getPath() + ": " + key + " says " +
                              Twine(*id) +
                              ", which is no token, as there are " +
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

void Translator::takeSampling() {
  result.generation = json::object();
  for (const SamplingField &field : listSamplingFields()) {
    if (!field.ggufKey)
      continue;
    result.names[field.name] = field.ggufKey;
    if (const GgufValue *value = file.find(field.ggufKey))
      result.generation[field.name] = toJson(*value);
  }
}

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

/// The parameters of LLaMA 3 that give these divisors; null if there are none.
/// All its models have low_freq_factor 1 and high_freq_factor 4. The rule gives
/// the numbers that the divisors were rounded from.
static json recognizeLlama3(ArrayRef<float> divisors, double theta) {
  constexpr double lowFreqFactor = 1, highFreqFactor = 4, rounding = 1e-5;
  auto headDim = static_cast<double>(2 * divisors.size());
  double factor = *std::max_element(divisors.begin(), divisors.end());
  for (int64_t context = 1; context <= 1 << 20; context *= 2) {
    bool matches = true;
    for (auto [i, divisor] : enumerate(divisors)) {
      double frequency =
          std::pow(theta, -2.0 * static_cast<double>(i) / headDim);
      double expected =
          frequency / stretchRopeFrequency(frequency, factor, lowFreqFactor,
                                           highFreqFactor,
                                           static_cast<double>(context));
      matches &= std::fabs(divisor - expected) <= rounding * expected;
    }
    if (matches)
      return {{"rope_type", "llama3"},
              {"factor", factor},
              {"low_freq_factor", lowFreqFactor},
              {"high_freq_factor", highFreqFactor},
              {"original_max_position_embeddings", context}};
  }
  return nullptr;
}

/// Of rope_freqs.weight; empty if there are none or they are all 1.
Expected<std::vector<float>> Translator::readDivisors() const {
  constexpr const char *name = "rope_freqs.weight";
  for (const std::unique_ptr<GgufFile> &part : model.files) {
    if (!part->hasTensor(name))
      continue;
    auto view = part->getTensor(name);
    if (!view)
      return view.takeError();
    constexpr int64_t maxPairs = kMaxHeadDim / 2;
    if (view->getRows() != 1 || view->getCols() > maxPairs)
      return makeError(part->getPath() + ": tensor \"" + name +
                       "\" is no vector of up to " + Twine(maxPairs) +
                       " numbers");
    std::vector<float> divisors(view->getCols());
    if (Error error = view->readRows(0, 1, divisors.data()))
      return error;
    if (all_of(divisors, [](float divisor) { return divisor == 1; }))
      divisors.clear();
    return divisors;
  }
  return std::vector<float>();
}

/// llama.cpp (src/llama-context.cpp, ggml_rope_yarn): cosines and sines are
/// multiplied by attn_factor beside what YaRN itself multiplies them by.
void Translator::takeYarn(json factor) {
  json &scaling = result.fields["rope_scaling"];
  scaling = {{"rope_type", "yarn"}, {"factor", std::move(factor)}};
  constexpr std::pair<const char *, const char *> fields[] = {
      {"original_context_length", "original_max_position_embeddings"},
      {"yarn_beta_fast", "beta_fast"},
      {"yarn_beta_slow", "beta_slow"},
      {"yarn_log_multiplier", "mscale_all_dim"}};
  for (auto [key, field] : fields) {
    std::string path = std::string("rope.scaling.") + key;
    result.names[std::string("rope_scaling.") + field] = result.prefix + path;
    json value = get(path);
    if (!value.is_null())
      scaling[field] = std::move(value);
  }
  if (scaling.contains("mscale_all_dim"))
    scaling["mscale"] = 1;
  result.names["rope_scaling.attention_factor"] =
      result.prefix + "rope.scaling.attn_factor";
  json attention = get("rope.scaling.attn_factor");
  if (attention.is_null() || attention == 1)
    return;
  if (attention.is_number() && scaling["factor"].is_number()) {
    double log = std::log(scaling["factor"].get<double>());
    auto multiplier = scaling.find("mscale_all_dim");
    attention = attention.get<double>() * (1 + 0.1 * log);
    if (multiplier != scaling.end() && multiplier->is_number() &&
        *multiplier != 0)
      attention =
          attention.get<double>() / (1 + 0.1 * multiplier->get<double>() * log);
  }
  scaling["attention_factor"] = attention;
}

/// Divisors are taken as they are.
Error Translator::takeDivisors(json factor, double magnitude) {
  auto divisors = readDivisors();
  if (!divisors)
    return divisors.takeError();
  json &scaling = result.fields["rope_scaling"];
  if (divisors->empty() || !factor.is_number()) {
    // Unlike !=, this holds for NaN too.
    if (!(factor == 1))
      scaling = {{"rope_type", "linear"}, {"factor", std::move(factor)}};
    else
      result.fields.erase("rope_scaling");
    if (magnitude != 1)
      return fail(result.prefix + "rope.scaling.attn_factor",
                  "is " + printJson(magnitude) +
                      "; it must be 1 unless rope.scaling.type is \"yarn\"");
    return Error::success();
  }
  bool isRule = factor == 1 && magnitude == 1 &&
                static_cast<int64_t>(2 * divisors->size()) == getHeadDim();
  json theta = result.fields.value("rope_theta", json(10000.0));
  if (isRule && theta.is_number())
    scaling = recognizeLlama3(*divisors, theta.get<double>());
  if (!scaling.is_null())
    return Error::success();
  json list = json::array();
  for (float divisor : *divisors)
    list.push_back(readDecimal(divisor * factor.get<double>()));
  for (const char *field : {"short_factor", "long_factor"})
    result.names[std::string("rope_scaling.") + field] = "rope_freqs.weight";
  result.names["rope_scaling.attention_factor"] =
      result.prefix + "rope.scaling.attn_factor";
  scaling = {{"rope_type", "longrope"},
             {"factor", 1.0},
             {"short_factor", list},
             {"long_factor", list},
             {"attention_factor", magnitude},
             {"original_max_position_embeddings",
              result.fields.value("max_position_embeddings", json())}};
  return Error::success();
}

/// As llama.cpp reads them (src/llama-model.cpp): a factor without a type
/// divides positions, 0 is none, and "none" overrides it.
Error Translator::takeRope() {
  const std::string typeKey = "rope.scaling.type";
  std::string factorKey = "rope.scaling.factor";
  if (!find(factorKey))
    factorKey = "rope.scale_linear";
  result.names["rope_scaling.factor"] = result.prefix + factorKey;
  json type = get(typeKey), factor = get(factorKey);
  if (!type.is_null() && type != "none" && type != "linear" && type != "yarn")
    return fail(result.prefix + typeKey,
                "is " + printJson(type) +
                    "; it must be \"none\", \"linear\" or \"yarn\", the only "
                    "ones that are supported");
  if (type == "none" || factor.is_null() || factor == 0)
    factor = 1;
  if (type == "yarn") {
    // 1, or -1 for what the type asks for.
    json mix = get("rope.scaling.yarn_ext_factor");
    if (!mix.is_null() && !(mix == 1) && !(mix == -1))
      return fail(result.prefix + "rope.scaling.yarn_ext_factor",
                  "is " + printJson(mix) + "; it must be 1");
    auto divisors = readDivisors();
    if (!divisors)
      return divisors.takeError();
    if (!divisors->empty())
      return makeError(file.getPath() +
                       ": tensor \"rope_freqs.weight\" is "
                       "not supported beside " +
                       typeKey + " \"yarn\"");
    takeYarn(std::move(factor));
    return Error::success();
  }
  json magnitude = get("rope.scaling.attn_factor");
  if (magnitude.is_null())
    magnitude = 1;
  if (!magnitude.is_number())
    return fail(result.prefix + "rope.scaling.attn_factor",
                "is no number; it must be 1");
  return takeDivisors(std::move(factor), magnitude.get<double>());
}

Expected<TranslatedConfig> Translator::run() {
  const GgufValue *nameValue = file.find("general.architecture");
  StringRef name =
      nameValue ? nameValue->getString().value_or("") : StringRef();
  const Architecture *architecture = Architecture::byGgufName(name);
  if (!architecture)
    return fail("general.architecture",
                "is " + quote(name) +
                    "; it must be \"llama\", \"hunyuan-dense\", \"qwen2\" or "
                    "\"qwen3\", the only ones that are supported");
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
  return Translator(model).run();
}
