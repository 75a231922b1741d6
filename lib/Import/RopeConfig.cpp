//===- RopeConfig.cpp - The frequencies of rotary embedding ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"
#include "sherry/Support/RopeScaling.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr double kMaxFactor = 1e6;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static void parseLlama3(FieldReader &fields, RopeScaling &result) {
  result.factor = fields.getNumber("factor", 1, kMaxFactor);
  result.lowFreqFactor = fields.getNumber("low_freq_factor", 1e-6, kMaxFactor);
  result.highFreqFactor =
      fields.getNumber("high_freq_factor", 1e-6, kMaxFactor);
  if (result.lowFreqFactor >= result.highFreqFactor)
    fields.refuse("high_freq_factor", "above low_freq_factor");
  result.originalMaxPositionEmbeddings =
      fields.getInteger("original_max_position_embeddings", 1, kMaxSize);
}

/// The value of a field, or `fallback` if it is missing or 0, which
/// transformers treats alike.
static double getOr(FieldReader &fields, StringRef name, double fallback) {
  double value = fields.getNumber(name, 0, kMaxFactor, 0);
  return value == 0 ? fallback : value;
}

/// The factor of queries and keys that keeps attention sharp over more
/// positions (YaRN, arXiv 2309.00071, section 3.4).
static double computeMagnitude(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
}

static void parseYarn(FieldReader &fields, const ModelConfig &config,
                      RopeScaling &result) {
  result.originalMaxPositionEmbeddings =
      fields.getInteger("original_max_position_embeddings", 1, kMaxSize,
                        config.maxPositionEmbeddings);
  // As in transformers 5, a given factor counts.
  double ratio = static_cast<double>(config.maxPositionEmbeddings) /
                 static_cast<double>(result.originalMaxPositionEmbeddings);
  result.factor =
      fields.getNumber("factor", 1, kMaxFactor, std::max(ratio, 1.0));
  result.betaFast = getOr(fields, "beta_fast", 32);
  result.betaSlow = getOr(fields, "beta_slow", 1);
  if (result.betaSlow >= result.betaFast)
    fields.refuse("beta_fast", "above beta_slow");
  result.truncates = fields.getBool("truncate", true);
  double scale = getOr(fields, "mscale", 0);
  double scaleOfAll = getOr(fields, "mscale_all_dim", 0);
  double magnitude = computeMagnitude(result.factor, 1);
  if (scale != 0 && scaleOfAll != 0)
    magnitude = computeMagnitude(result.factor, scale) /
                computeMagnitude(result.factor, scaleOfAll);
  result.magnitude = fields.getNumber("attention_factor", 1e-3, 1e3, magnitude);
}

/// Reads a table of divisors: "longrope" with one table for short and long
/// texts.
static void parseTable(FieldReader &fields, const ModelConfig &config,
                       RopeScaling &result) {
  const json *table = fields.find("long_factor");
  const json *shortTable = fields.find("short_factor");
  auto pairs = static_cast<size_t>(config.headDim / 2);
  auto isDivisor = [](const json &value) {
    constexpr double smallest = 1e-6;
    return value.is_number() && value.get<double>() >= smallest &&
           value.get<double>() <= kMaxFactor;
  };
  if (!table || !table->is_array() || table->size() != pairs ||
      !all_of(*table, isDivisor))
    return fields.refuse("long_factor",
                         "a list of " + Twine(pairs) + " positive numbers");
  if (!shortTable || *shortTable != *table)
    return fields.refuse(
        "short_factor",
        "the same list as long_factor; frequencies that depend on the length "
        "of a text are not supported");
  for (const json &value : *table)
    result.divisors.push_back(value.get<float>());
  // Otherwise it would depend on the ratio of two lengths.
  result.magnitude = fields.getNumber("attention_factor", 1e-3, 1e3);
}

/// Reads rope_theta, beside or in the scaling. Programs read either, so if both
/// exist they must be equal.
static double parseTheta(FieldReader &reader, double absent) {
  constexpr double min = 1, max = 1e15;
  double theta = reader.getNumber("rope_theta", min, max, absent);
  std::string place = reader.find("rope_theta") ? "rope_theta" : "";
  for (StringRef name : {"rope_parameters", "rope_scaling"}) {
    std::optional<FieldReader> fields = reader.getObject(name);
    if (!fields || !fields->find("rope_theta"))
      continue;
    double value = fields->getNumber("rope_theta", min, max);
    if (!place.empty() && value != theta)
      fields->refuse("rope_theta", "left out or the same as " + place +
                                       ", which is " + printJson(theta));
    theta = value;
    place = fields->spell("rope_theta");
  }
  return theta;
}

/// Whether the two names of the type of a scaling agree.
static bool isSameType(const json &type, const json &ropeType) {
  bool isRenamed = type == "su" && ropeType == "longrope";
  return type == ropeType || isRenamed;
}

/// The scaling in `object`, in the new spelling.
static json respell(const json &object) {
  json result = json::object();
  for (const auto &[name, value] : object.items())
    if (!value.is_null() && name != "rope_theta")
      result[name] = value;
  if (const json *type = member(result, "type")) {
    const json *ropeType = member(result, "rope_type");
    if (!ropeType)
      result["rope_type"] = json(*type);
    if (!ropeType || isSameType(*type, *ropeType))
      result.erase("type");
  }
  if (result.empty())
    result["rope_type"] = "default";
  return result;
}

/// Refuses different scalings in the two spellings, because programs read
/// either.
static void refuseTwoScalings(FieldReader &reader) {
  const json *parameters = reader.find("rope_parameters");
  const json *scaling = reader.find("rope_scaling");
  if (!parameters || !scaling || parameters->empty() || scaling->empty())
    return;
  if (respell(*parameters) != respell(*scaling))
    reader.refuse("rope_scaling",
                  "left out or the same as rope_parameters, which is " +
                      printJson(*parameters));
}

/// The field of the type: "rope_type", or "type" in old files.
static StringRef findTypeField(FieldReader &fields) {
  const json *type = fields.find("type");
  const json *ropeType = fields.find("rope_type");
  if (!ropeType)
    return type ? "type" : "rope_type";
  if (type && !isSameType(*type, *ropeType))
    fields.refuse("type", "left out or the same as rope_type, which is " +
                              printJson(*ropeType));
  return "rope_type";
}

void sherry::parseRope(FieldReader &reader, double theta, ModelConfig &config) {
  config.ropeTheta = parseTheta(reader, theta);
  if (reader.failed())
    return;
  refuseTwoScalings(reader);
  StringRef name = "rope_parameters";
  std::optional<FieldReader> fields = reader.getObject(name);
  if (!fields || fields->isEmpty()) {
    name = "rope_scaling";
    fields = reader.getObject(name);
  }
  if (!fields || fields->isEmpty())
    return;
  refuseOtherModels(*fields, config);
  // An object with only rope_theta also means "default".
  if (respell(*reader.find(name)) == json{{"rope_type", "default"}})
    return;
  StringRef typeField = findTypeField(*fields);
  std::string type = fields->getString(typeField);
  if (type == "default")
    return;
  // HunYuan's "dynamic" does not depend on the length of the text
  // (transformers, modeling_hunyuan_v1_dense).
  if (type == "dynamic" && fields->find("alpha")) {
    double alpha = fields->getNumber("alpha", 1e-3, 1e9);
    fields->getNumber("factor", 1, 1, 1);
    auto dim = static_cast<double>(config.headDim);
    if (dim > 2)
      config.ropeTheta *= std::pow(alpha, dim / (dim - 2));
    return;
  }
  RopeScaling result{RopeScaling::Type::Linear};
  if (type == "linear") {
    result.factor = fields->getNumber("factor", 1, kMaxFactor);
  } else if (type == "llama3") {
    result.type = RopeScaling::Type::Llama3;
    parseLlama3(*fields, result);
  } else if (type == "yarn") {
    result.type = RopeScaling::Type::Yarn;
    parseYarn(*fields, config, result);
    if (config.ropeTheta == 1)
      reader.refuse("rope_theta", "above 1, as the scaling is \"yarn\"");
  } else if (type == "longrope") {
    result.type = RopeScaling::Type::Table;
    parseTable(*fields, config, result);
  } else {
    return fields->refuse(typeField, "\"llama3\", \"yarn\", \"linear\", "
                                     "\"longrope\" or \"default\", the only "
                                     "ones that are supported");
  }
  bool isPlain = result.type != RopeScaling::Type::Table &&
                 result.type != RopeScaling::Type::Llama3 &&
                 result.factor == 1 && result.magnitude == 1;
  if (!isPlain)
    config.ropeScaling = std::move(result);
}

//===----------------------------------------------------------------------===//
// Computing
//===----------------------------------------------------------------------===//

static double computeFrequency(const ModelConfig &config, int64_t pair) {
  return std::pow(config.ropeTheta, -2.0 * static_cast<double>(pair) /
                                        static_cast<double>(config.headDim));
}

/// YaRN (arXiv 2309.00071, section 3.2, as in transformers and llama.cpp).
/// Pairs that turn more than beta_fast times within the original context keep
/// their frequency. The frequency of pairs that turn less than beta_slow times
/// is divided by the factor. Between them the two frequencies are mixed.
///
///   pair(turns) = head_dim ln(original / (2 pi turns)) / (2 ln theta)
///   low = floor(pair(beta_fast)), high = ceil(pair(beta_slow)), at least 0 and
///   at most head_dim - 1; unrounded without `truncate`
///   ramp_i = clamp((i - low) / (high - low), 0, 1)
///   frequency_i = theta^(-2i / head_dim) ((1 - ramp_i) + ramp_i / factor)
static std::vector<double> listYarnDivisors(const RopeScaling &scaling,
                                            double theta, int64_t headDim) {
  auto size = static_cast<double>(headDim);
  auto findPair = [&](double turns) {
    auto context = static_cast<double>(scaling.originalMaxPositionEmbeddings);
    return size * std::log(context / (turns * 2 * M_PI)) /
           (2 * std::log(theta));
  };
  double low = findPair(scaling.betaFast), high = findPair(scaling.betaSlow);
  if (scaling.truncates) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, size - 1);
  // Avoids a division by zero where both bounds are equal.
  constexpr double least = 0.001;
  std::vector<double> divisors;
  for (int64_t i = 0; i < headDim / 2; ++i) {
    double ramp = std::clamp(
        (static_cast<double>(i) - low) / std::max(high - low, least), 0.0, 1.0);
    divisors.push_back(1 / ((1 - ramp) + ramp / scaling.factor));
  }
  return divisors;
}

static double stretch(const RopeScaling &scaling, double frequency) {
  return stretchRopeFrequency(
      frequency, scaling.factor, scaling.lowFreqFactor, scaling.highFreqFactor,
      static_cast<double>(scaling.originalMaxPositionEmbeddings));
}

std::vector<double> sherry::listRopeDivisors(const ModelConfig &config) {
  if (!config.ropeScaling)
    return {};
  const RopeScaling &scaling = *config.ropeScaling;
  std::vector<double> divisors;
  switch (scaling.type) {
  case RopeScaling::Type::Linear:
    divisors.assign(config.headDim / 2, scaling.factor);
    break;
  case RopeScaling::Type::Llama3:
    for (int64_t i = 0; i < config.headDim / 2; ++i) {
      double frequency = computeFrequency(config, i);
      divisors.push_back(frequency / stretch(scaling, frequency));
    }
    break;
  case RopeScaling::Type::Yarn:
    return listYarnDivisors(scaling, config.ropeTheta, config.headDim);
  case RopeScaling::Type::Table:
    divisors.assign(scaling.divisors.begin(), scaling.divisors.end());
    break;
  }
  return divisors;
}

std::vector<double> sherry::computeRopeFrequencies(const ModelConfig &config) {
  bool isLlama3 = config.ropeScaling &&
                  config.ropeScaling->type == RopeScaling::Type::Llama3;
  std::vector<double> divisors;
  if (!isLlama3)
    divisors = listRopeDivisors(config);
  std::vector<double> result;
  for (int64_t i = 0; i < config.headDim / 2; ++i) {
    double frequency = computeFrequency(config, i);
    if (isLlama3)
      frequency = stretch(*config.ropeScaling, frequency);
    result.push_back(divisors.empty() ? frequency : frequency / divisors[i]);
  }
  return result;
}
