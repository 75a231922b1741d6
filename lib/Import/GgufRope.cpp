//===- GgufRope.cpp - Rope as GGUF files say it ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GgufTranslator.h"
#include "sherry/Import/ModelConfig.h"
#include "sherry/Support/RopeScaling.h"

#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

/// The parameters of LLaMA 3 that give these divisors, or null. All LLaMA 3
/// models have low_freq_factor 1 and high_freq_factor 4. The rule gives the
/// numbers from which the divisors were rounded.
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

/// The divisors in rope_freqs.weight; empty if there are none or if all are 1.
Expected<std::vector<float>> GgufTranslator::readDivisors() const {
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

/// As in llama.cpp (src/llama-context.cpp, ggml_rope_yarn), cosines and sines
/// are multiplied by attn_factor and by YaRN's own factor.
void GgufTranslator::takeYarn(json factor) {
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

/// Uses divisors unchanged.
Error GgufTranslator::takeDivisors(json factor, double magnitude) {
  auto divisors = readDivisors();
  if (!divisors)
    return divisors.takeError();
  json &scaling = result.fields["rope_scaling"];
  if (divisors->empty() || !factor.is_number()) {
    // Unlike !=, this is true for NaN too.
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

/// As in llama.cpp (src/llama-model.cpp): a factor without a type divides
/// positions, a factor of 0 has no effect, and "none" overrides it.
Error GgufTranslator::takeRope() {
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
    // 1, or -1 for the default of the type.
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
                "is not a number; it must be 1");
  return takeDivisors(std::move(factor), magnitude.get<double>());
}
