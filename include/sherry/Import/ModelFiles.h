//===- ModelFiles.h - A model in its files ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_MODELFILES_H
#define SHERRY_IMPORT_MODELFILES_H

#include "sherry/Import/Checkpoint.h"
#include "sherry/Import/TokenizerFile.h"
#include "sherry/Support/Problem.h"

namespace sherry {

/// Options for opening a model.
struct OpenOptions {
  bool weights = true;
  bool tokenizer = true;
  StqScale stqScale = StqScale::Auto; ///< of GGUF files
  llvm::ArrayRef<Remedy> remedies;    ///< options of the tool, for notes
};

/// An open Hugging Face folder or GGUF file.
struct ModelFiles {
  ModelConfig config;
  std::string configJson; ///< of a GGUF file: its values as a config.json
  TokenizerFile tokenizer;
  std::optional<Checkpoint> checkpoint;
  /// The first GGUF file; it lives as long as the checkpoint. Null for a
  /// folder.
  const GgufFile *gguf = nullptr;
  std::vector<std::string> notes; ///< for the user, about guesses

  /// Opens a GGUF file or a Hugging Face folder.
  static llvm::Expected<ModelFiles> open(llvm::StringRef path,
                                         const OpenOptions &options);
};

/// Reads the tokenizer of a model alone. Fails if the model has none.
llvm::Expected<TokenizerFile> openTokenizer(llvm::StringRef path);

} // namespace sherry

#endif // SHERRY_IMPORT_MODELFILES_H
