//===- Info.cpp - Describes a model ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Session.h"
#include "sherry-abi/metadata.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::run;

static std::string line(const std::string &name, const std::string &value) {
  constexpr size_t width = 26;
  std::string padding(name.size() < width ? width - name.size() : 1, ' ');
  return name + padding + value + "\n";
}

void sherry::run::printInfo(const sherry_model *model, const Options &options) {
  const char *description = sherry_model_metadata(model);
  if (*options.info == "json")
    return print(std::string(description) + "\n");

  std::string text;
  const auto object = nlohmann::ordered_json::parse(description);
  for (const auto &[name, value] : object.items()) {
    if (name == metadata::kSampling)
      continue; // printed below, shortened
    // Escaped, because terminals act on control characters.
    std::string shown = value.dump(), key = nlohmann::json(name).dump();
    if (value.is_string())
      shown = shown.substr(1, shown.size() - 2);
    text += line(key.substr(1, key.size() - 2), shown);
  }
  text += line("weights",
               std::to_string(sherry_model_weights_size(model)) + " bytes");
  text +=
      line("cache",
           std::to_string(sherry_model_cache_size_per_position(model)) +
               " bytes per position, at most " +
               std::to_string(sherry_model_max_context(model)) + " positions");
  const uint64_t shared = sherry_model_workspace_size(model, 0);
  text +=
      line("workspace",
           std::to_string(shared) + " bytes, and " +
               std::to_string(sherry_model_workspace_size(model, 1) - shared) +
               " bytes per thread");
  text += line("max_block",
               std::to_string(sherry_model_max_block(model)) + " tokens");
  text += line("sampling", engine::printSampling(options.sampling));
  text += line("tokenizer", sherry_model_has_tokenizer(model) ? "yes" : "no");
  print(text);
}
