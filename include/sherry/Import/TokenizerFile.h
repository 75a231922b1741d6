//===- TokenizerFile.h - The tokenizer of a checkpoint ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tokenizer travels through the compiler as the text of a tokenizer.json;
// those of other files are turned into one. Only what must fit the model is
// looked at here; the runtime reads the rest.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_TOKENIZERFILE_H
#define SHERRY_IMPORT_TOKENIZERFILE_H

#include "sherry/Import/Gguf.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sherry {

struct TokenizerFile {
  std::unique_ptr<llvm::MemoryBuffer> json; ///< null: there is none
  /// Whether a text starts with the BOS token: add_bos_token of
  /// tokenizer_config.json, else what the post_processor of tokenizer.json
  /// does.
  bool addBos = false;

  /// How chats are written as text, a Jinja template; empty: the files do not
  /// say.
  std::string chatTemplate;
  /// Names of the template's bos_token and eos_token, by tokenizer_config.json
  /// or special_tokens_map.json; nothing where these say null. One that is not
  /// here is the name of the token that the model's config has.
  std::map<std::string, std::optional<std::string>> specialTokens;
  /// The BOS token that the files name; it is not in tokenizer.json.
  std::optional<int64_t> bosToken;
  std::vector<std::string> notes; ///< for the user, of what was left out

  /// Reads tokenizer.json of a folder or, if there is none, tokenizer.model, or
  /// else vocab.json and merges.txt. Tokens whose ids are not below `vocabSize`
  /// are left out if no text becomes them, but for their names; fails if there
  /// are others.
  static llvm::Expected<TokenizerFile> load(llvm::StringRef directory,
                                            int64_t vocabSize);
  /// The same of a GGUF file.
  static llvm::Expected<TokenizerFile> load(const GgufFile &file,
                                            int64_t vocabSize);
};

/// Checks the ids in the text of a tokenizer.json; returns whether its
/// post_processor puts a special token in front.
llvm::Expected<bool> checkTokenizer(llvm::MemoryBufferRef json,
                                    int64_t vocabSize);

/// Takes over what the text of a tokenizer_config.json says: add_bos_token,
/// chat_template and names of special tokens.
llvm::Error applyTokenizerConfig(llvm::MemoryBufferRef json,
                                 TokenizerFile &tokenizer);

} // namespace sherry

#endif // SHERRY_IMPORT_TOKENIZERFILE_H
