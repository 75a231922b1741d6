//===- GgufConfig.h - What a GGUF file says about a model -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the values of a GGUF file into the files that a Hugging Face folder has
// instead, so that one reader checks them: config.json, tokenizer.json. That
// reader speaks of the keys of the file.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_GGUFCONFIG_H
#define SHERRY_IMPORT_GGUFCONFIG_H

#include "sherry/Import/Gguf.h"
#include "sherry/Support/Json.h"

namespace sherry {

/// What a file says of its model as a config.json, for ModelConfig::parse().
struct TranslatedConfig {
  nlohmann::json fields;     ///< may hold numbers that are not finite
  nlohmann::json generation; ///< as in generation_config.json
  FieldNames names;          ///< of the fields of both in the file
  /// All values under the name of the architecture, by their keys without it.
  nlohmann::json others;
  std::string prefix;             ///< of the keys in `others`
  std::vector<std::string> notes; ///< for the user, of what was left out
};

/// Values of tokenizer.ggml.token_type, and of `type` in tokenizer.model.
enum class GgufTokenType {
  Normal = 1,
  Unknown,
  Control,
  UserDefined,
  Unused,
  Byte
};
/// Their names in the text of makeTokenizerJson, and back; Normal for others.
const char *nameTokenKind(uint64_t type);
GgufTokenType parseTokenKind(llvm::StringRef name);

/// Fails if the model is of an architecture or has a rope scaling that is not
/// supported; other values are only checked by ModelConfig::parse().
llvm::Expected<TranslatedConfig> translateConfig(const GgufModel &model);

/// The text of a tokenizer.json; empty if the file has no tokenizer. Fails if
/// it is of a kind that is not supported.
llvm::Expected<std::string> makeTokenizerJson(const GgufFile &file);

/// The expressions that cut texts into words, one after the other, for a value
/// of tokenizer.ggml.pre; empty if it is not known.
std::vector<std::string> getPreTokenizerPatterns(llvm::StringRef pre);
/// Whether a value of tokenizer.ggml.pre is one of LLaMA 3: words that are
/// tokens are not merged, and texts begin with BOS.
bool isLlama3(llvm::StringRef pre);
/// The value of tokenizer.ggml.pre for a tokenizer that cuts texts by these
/// expressions, one after the other; empty if there is none.
std::string findPreTokenizer(llvm::ArrayRef<std::string> patterns,
                             bool ignoresMerges);
/// The expression of ByteLevel with use_regex.
llvm::StringRef getGpt2Pattern();

/// Whether a control token of this name ends what a model says, whatever ids
/// the file names.
bool isEndToken(llvm::StringRef token);

/// The tokens that end what a model says; the eos token comes first.
std::vector<int64_t> listEndTokens(const GgufFile &file);

/// Whether texts begin with the BOS token.
bool addsBosToken(const GgufFile &file);

/// The file's chat template; empty if there is none.
std::string getChatTemplate(const GgufFile &file);

} // namespace sherry

#endif // SHERRY_IMPORT_GGUFCONFIG_H
