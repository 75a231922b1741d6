//===- SamplingConfig.cpp - Recommended parameters of sampling ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"

using namespace llvm;
using namespace sherry;
using nlohmann::json;

/// The ranges of the runtime's sampler, with the keys of llama.cpp (gguf-py,
/// constants.py).
static constexpr SamplingField kFields[] = {
    {"temperature", "general.sampling.temp", 0, 1e6, false},
    {"top_k", "general.sampling.top_k", 0, INT32_MAX, true},
    {"top_p", "general.sampling.top_p", 1e-6, 1, false},
    {"min_p", "general.sampling.min_p", 0, 1, false},
    {"typical_p", nullptr, 0, 1, false},
    {"repetition_penalty", "general.sampling.penalty_repeat", 1e-6, 1e6, false},
};

ArrayRef<SamplingField> sherry::listSamplingFields() { return kFields; }

void sherry::parseSampling(const FieldReader &reader, StringRef file,
                           ModelConfig &config) {
  for (const SamplingField &field : kFields) {
    const json *value = reader.find(field.name);
    if (!value)
      continue;
    // -1 is another way to say "all".
    if (field.isInteger && *value == -1) {
      config.sampling[field.name] = 0;
      continue;
    }
    bool isRight =
        (field.isInteger ? value->is_number_integer() : value->is_number()) &&
        value->get<double>() >= field.min && value->get<double>() <= field.max;
    if (isRight)
      config.sampling[field.name] = value->get<double>();
    else
      config.notes.push_back(
          (file + ": " + reader.spell(field.name) + " is " + printJson(*value) +
           ", which is not a number from " + json(field.min).dump() + " to " +
           json(field.max).dump() + "; it is left out")
              .str());
  }
  const json *samples = reader.find("do_sample");
  if (samples && *samples == false)
    config.sampling["temperature"] = 0;
}
