//===- GgufConfig.h - What a GGUF file says about a model -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the values of a GGUF file into the config.json that a Hugging Face
// folder has instead, so that one reader checks both. That reader speaks of the
// keys of the file.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_GGUFCONFIG_H
#define SHERRY_IMPORT_GGUFCONFIG_H

#include "sherry/Import/Gguf.h"
#include "sherry/Support/Json.h"

namespace sherry {

/// What a file says of its model as a config.json, for ModelConfig::parse().
// The check looks into moves of JSON, which are noexcept.
struct TranslatedConfig {    // NOLINT(bugprone-exception-escape)
  nlohmann::json fields;     ///< may hold numbers that are not finite
  nlohmann::json generation; ///< as in generation_config.json
  FieldNames names;          ///< of the fields of both in the file
  /// All values under the name of the architecture, by their keys without it.
  nlohmann::json others;
  std::string prefix;             ///< of the keys in `others`
  std::vector<std::string> notes; ///< for the user, of what was left out
};

/// Fails if the model is of an architecture or has a rope scaling that is not
/// supported; other values are only checked by ModelConfig::parse().
llvm::Expected<TranslatedConfig> translateConfig(const GgufModel &model);

} // namespace sherry

#endif // SHERRY_IMPORT_GGUFCONFIG_H
