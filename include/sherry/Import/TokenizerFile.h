//===- TokenizerFile.h - The tokenizer of a checkpoint ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tokenizer.json travels through the compiler as bytes. Only what must fit the
// model is looked at here; the runtime reads the rest.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_TOKENIZERFILE_H
#define SHERRY_IMPORT_TOKENIZERFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <optional>

namespace sherry {

struct TokenizerFile {
  std::unique_ptr<llvm::MemoryBuffer> json; ///< null: there is none
  /// Whether a text starts with the BOS token: add_bos_token of
  /// tokenizer_config.json, else what the post_processor of tokenizer.json
  /// does.
  bool addBos = false;

  /// Fails if a token's id is not below `vocabSize`.
  static llvm::Expected<TokenizerFile> load(llvm::StringRef directory,
                                            int64_t vocabSize);
};

/// Checks the ids in the text of a tokenizer.json; returns whether its
/// post_processor puts a special token in front.
llvm::Expected<bool> checkTokenizer(llvm::MemoryBufferRef json,
                                    int64_t vocabSize);

/// add_bos_token in the text of a tokenizer_config.json, if it is there.
llvm::Expected<std::optional<bool>> readAddBos(llvm::MemoryBufferRef json);

} // namespace sherry

#endif // SHERRY_IMPORT_TOKENIZERFILE_H
