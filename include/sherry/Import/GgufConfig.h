//===- GgufConfig.h - The configuration in a GGUF file ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the values of a GGUF file into the config.json of a Hugging Face
// folder, so that one reader checks both. The messages of the reader name the
// keys of the GGUF file.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_GGUFCONFIG_H
#define SHERRY_IMPORT_GGUFCONFIG_H

#include "sherry/Import/Gguf.h"
#include "sherry/Support/Json.h"

namespace sherry {

/// The values of a GGUF file as a config.json, for ModelConfig::parse().
// The check looks into moves of JSON, which are noexcept.
struct TranslatedConfig {    // NOLINT(bugprone-exception-escape)
  nlohmann::json fields;     ///< may hold numbers that are not finite
  nlohmann::json generation; ///< as in generation_config.json
  FieldNames names;          ///< keys of the fields of both in the file
  /// All values whose keys begin with `prefix`, by the rest of their keys.
  nlohmann::json others;
  std::string prefix;             ///< name of the architecture
  std::vector<std::string> notes; ///< for the user, about ignored values
};

/// Fails if the architecture or the rope scaling is not supported.
/// ModelConfig::parse() checks other values.
llvm::Expected<TranslatedConfig> translateConfig(const GgufModel &model);

} // namespace sherry

#endif // SHERRY_IMPORT_GGUFCONFIG_H
