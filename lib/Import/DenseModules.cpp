//===- DenseModules.cpp - Modules that are not quantized ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr const char *kField = "modules_to_not_convert";

/// Whether an entry matches a module as in transformers (quantizers_utils.py,
/// should_convert_module, and `key + "." in name` in older versions): the entry
/// is a group around the module, or a prefix or suffix of its name.
static bool names(StringRef entry, StringRef module) {
  if (entry.size() > module.size())
    return false;
  return module.ends_with(entry) || module.starts_with(entry) ||
         module.contains((entry + ".").str());
}

static std::string nameModule(int64_t layer, StringRef module) {
  return "model.layers." + std::to_string(layer) + "." + module.str();
}

/// The modules that are never quantized.
static std::vector<std::string> listOthers(const ModelConfig &config) {
  const Architecture &architecture = *config.architecture;
  std::vector<std::string> modules = {"lm_head", "model.embed_tokens",
                                      "model.norm", "model.rotary_emb"};
  std::string attention = "self_attn.";
  for (const std::string &module :
       {std::string("input_layernorm"), std::string("post_attention_layernorm"),
        std::string("mlp.act_fn"), attention + "rotary_emb",
        attention + architecture.queryNorm, attention + architecture.keyNorm,
        attention + "attn_sub_norm", std::string("mlp.ffn_sub_norm")})
    for (int64_t layer = 0; layer < config.numLayers; ++layer)
      modules.push_back(nameModule(layer, module));
  return modules;
}

void sherry::resolveModules(FieldReader &fields, const ModelConfig &config,
                            ModuleSelection &result) {
  const json *list = fields.find(kField);
  if (!list)
    return;
  // Each entry is compared with each module.
  const auto maxEntries =
      static_cast<size_t>((1 << 18) / std::max<int64_t>(config.numLayers, 1));
  auto isText = [](const json &entry) { return entry.is_string(); };
  if (!list->is_array() || list->size() > maxEntries || !all_of(*list, isText))
    return fields.refuse(kField,
                         "a list of strings, at most " + Twine(maxEntries));
  for (const json &entry : *list)
    result.modulesToNotConvert.push_back(entry.get<std::string>());
  std::vector<bool> isUsed(list->size());
  for (const LinearLayer &linear : listLinearLayers(config)) {
    std::optional<int64_t> inside, outside; // layers
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      std::string module = nameModule(layer, linear.module);
      bool isNamed = false;
      for (auto [i, entry] : enumerate(result.modulesToNotConvert))
        if (names(entry, module))
          isNamed = isUsed[i] = true;
      (isNamed ? inside : outside) = layer;
    }
    // All layers share the same code.
    if (inside && outside)
      return fields.refuse(
          kField, "the same for all layers, but it names " +
                      nameModule(*inside, linear.module) + " and not " +
                      nameModule(*outside, linear.module) + "; name " +
                      quote(linear.module) + " to exclude it everywhere");
    if (inside)
      result.denseModules.emplace_back(linear.module);
  }
  std::vector<std::string> others = listOthers(config);
  for (auto [i, entry] : enumerate(result.modulesToNotConvert)) {
    auto namesIt = [text = StringRef(entry)](StringRef module) {
      return names(text, module);
    };
    if (entry.empty() || (!isUsed[i] && none_of(others, namesIt)))
      return fields.refuse(
          kField,
          "without " + quote(entry) + ", which " +
              (StringRef(entry).starts_with("re:")
                   ? "is a regular expression; name modules, such as "
                     "\"q_proj\", or groups of them, such as \"self_attn\""
                   : "names no module of this architecture"));
  }
}

bool ModuleSelection::isDense(const LinearLayer &linear) const {
  return is_contained(denseModules, linear.module);
}
