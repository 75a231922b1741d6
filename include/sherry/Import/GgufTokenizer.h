//===- GgufTokenizer.h - The tokenizer of a GGUF file -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the values tokenizer.ggml.* of a GGUF file into a tokenizer.json.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_GGUFTOKENIZER_H
#define SHERRY_IMPORT_GGUFTOKENIZER_H

#include "sherry/Import/Gguf.h"

namespace sherry {

/// Values of tokenizer.ggml.token_type, and of `type` in tokenizer.model.
enum class GgufTokenType {
  Normal = 1,
  Unknown,
  Control,
  UserDefined,
  Unused,
  Byte
};
/// The names of types in the text of makeTokenizerJson(), and the inverse;
/// Normal for others.
const char *nameTokenKind(uint64_t type);
GgufTokenType parseTokenKind(llvm::StringRef name);

/// Returns the text of a tokenizer.json; empty if the file has no tokenizer.
/// Fails if the kind of the tokenizer is not supported, or if its values
/// contradict each other.
llvm::Expected<std::string> makeTokenizerJson(const GgufFile &file);

/// Whether a control token or user-defined token of this name ends an answer,
/// whatever ids the file names; it then counts as a control token.
bool isEndToken(llvm::StringRef token);

/// The value of tokenizer.ggml.KIND_token_id, which need not be a valid id. If
/// the file has none and the tokenizer is of SentencePiece, the id that
/// SentencePiece uses by default.
std::optional<int64_t> getTokenId(const GgufFile &file, llvm::StringRef kind);

/// The tokens that end an answer, tokenizer.ggml.eos_token_id first.
std::vector<int64_t> listEndTokens(const GgufFile &file);

/// Whether texts begin with the BOS token. Fails if the file's value is not a
/// boolean.
llvm::Expected<bool> addsBosToken(const GgufFile &file);

/// The file's chat template; empty if it has none.
std::string getChatTemplate(const GgufFile &file);

} // namespace sherry

#endif // SHERRY_IMPORT_GGUFTOKENIZER_H
