//===- TokenizerFile.h - The tokenizer of a checkpoint ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler handles a tokenizer as the text of a tokenizer.json, and
// converts tokenizers of other formats to it. It checks only that the tokenizer
// fits the model; the runtime reads the rest.
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
  std::unique_ptr<llvm::MemoryBuffer> json; ///< null: no tokenizer
  /// Whether a text starts with the BOS token, by add_bos_token of
  /// tokenizer_config.json, else by the post_processor of tokenizer.json.
  bool addBos = false;

  /// A Jinja template that writes chats as text; empty: the files have none.
  std::string chatTemplate;
  /// Texts of the template's bos_token and eos_token, by tokenizer_config.json
  /// or special_tokens_map.json; nothing where these files say null. A token
  /// that is not in the map has the text of the token in the model's config.
  std::map<std::string, std::optional<std::string>> specialTokens;
  /// The BOS token that the files name; it is not in tokenizer.json.
  std::optional<int64_t> bosToken;
  std::vector<std::string> notes; ///< for the user, about ignored tokens

  /// Reads tokenizer.json of a folder, else tokenizer.model, else vocab.json
  /// and merges.txt. A token whose id is not below `vocabSize` is left out if
  /// only its own name becomes it; fails if there are other tokens of this
  /// kind.
  static llvm::Expected<TokenizerFile> load(llvm::StringRef directory,
                                            int64_t vocabSize);
  /// Reads the tokenizer of a GGUF file in the same way.
  static llvm::Expected<TokenizerFile> load(const GgufFile &file,
                                            int64_t vocabSize);
};

/// Checks the ids in the text of a tokenizer.json; returns whether its
/// post_processor puts a special token in front.
llvm::Expected<bool> checkTokenizer(llvm::MemoryBufferRef json,
                                    int64_t vocabSize);

/// Applies the text of a tokenizer_config.json: add_bos_token, chat_template
/// and names of special tokens.
llvm::Error applyTokenizerConfig(llvm::MemoryBufferRef json,
                                 TokenizerFile &tokenizer);

} // namespace sherry

#endif // SHERRY_IMPORT_TOKENIZERFILE_H
