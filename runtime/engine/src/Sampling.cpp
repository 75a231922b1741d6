//===- Sampling.cpp - Defaults of sampling --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Sampling.h"
#include "sherry-abi/metadata.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <stdexcept>

using namespace sherry;
using namespace sherry::engine;
using nlohmann::json;

namespace {
/// A value that a model may have.
struct Value {
  const char *key, *option;
  float sherry_sampler_options::*member; ///< null: top_k
};
} // namespace

static constexpr Value values[] = {
    {"temperature", "--temp", &sherry_sampler_options::temperature},
    {"top_k", "--top-k", nullptr},
    {"top_p", "--top-p", &sherry_sampler_options::top_p},
    {"min_p", "--min-p", &sherry_sampler_options::min_p},
    {"typical_p", "--typical-p", &sherry_sampler_options::typical_p},
    {"repetition_penalty", "--repeat-penalty",
     &sherry_sampler_options::repetition_penalty}};

static void take(const Value &value, const json &given,
                 sherry_sampler_options &sampling) {
  const bool isRight = value.member ? given.is_number()
                                    : given.is_number_unsigned() &&
                                          given.get<uint64_t>() <= UINT32_MAX;
  if (!isRight)
    throw std::runtime_error(
        std::string("the model's description has \"sampling.") + value.key +
        "\": " + given.dump() + ", which is not a number for " + value.option +
        "; compile the model again");
  if (value.member)
    sampling.*value.member = given.get<float>();
  else
    sampling.top_k = given.get<uint32_t>();
}

void sherry::engine::takeModelSampling(
    const sherry_model *model,
    const std::function<bool(const char *option)> &isGiven,
    sherry_sampler_options &sampling) {
  const json description = json::parse(sherry_model_metadata(model));
  const auto object = description.find(metadata::kSampling);
  if (object == description.end() || !object->is_object())
    return;
  for (const Value &value : values)
    if (object->contains(value.key) && !isGiven(value.option))
      take(value, (*object)[value.key], sampling);
}

std::string
sherry::engine::printSampling(const sherry_sampler_options &sampling) {
  std::string text;
  for (const Value &value : values) {
    char number[32];
    if (value.member)
      std::snprintf(number, sizeof(number), "%g",
                    static_cast<double>(sampling.*value.member));
    else
      std::snprintf(number, sizeof(number), "%u", sampling.top_k);
    text += std::string(text.empty() ? "" : " ") + value.option + " " + number;
  }
  return text;
}
