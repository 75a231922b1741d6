//===- GgufTokenizer.h - The tokenizer of a GGUF file -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the values tokenizer.ggml.* into a tokenizer.json.
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
/// Their names in the text of makeTokenizerJson, and back; Normal for others.
const char *nameTokenKind(uint64_t type);
GgufTokenType parseTokenKind(llvm::StringRef name);

/// The text of a tokenizer.json; empty if the file has no tokenizer. Fails if
/// it is of a kind that is not supported, or if its values do not go together.
llvm::Expected<std::string> makeTokenizerJson(const GgufFile &file);

/// Whether a control token or a user-defined one of this name ends what a model
/// says, whatever ids the file names; it is a control token then.
bool isEndToken(llvm::StringRef token);

/// tokenizer.ggml.KIND_token_id, whether it is a token or not; if the file does
/// not say it, that of SentencePiece, where the tokenizer is one.
std::optional<int64_t> getTokenId(const GgufFile &file, llvm::StringRef kind);

/// The tokens that end what the model says, tokenizer.ggml.eos_token_id first.
std::vector<int64_t> listEndTokens(const GgufFile &file);

/// Whether texts begin with the BOS token. Fails if the file's value is no
/// boolean.
llvm::Expected<bool> addsBosToken(const GgufFile &file);

/// The file's chat template; empty if there is none.
std::string getChatTemplate(const GgufFile &file);

} // namespace sherry

#endif // SHERRY_IMPORT_GGUFTOKENIZER_H
