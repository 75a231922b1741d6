//===- ModelFiles.h - A model as people have it -----------------*- C++ -*-===//
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

/// What is read of a model.
struct OpenOptions {
  bool weights = true;
  bool tokenizer = true;
  StqScale stqScale = StqScale::Auto; ///< of GGUF files
  llvm::ArrayRef<Remedy> remedies;    ///< of the tool, for notes
};

/// A Hugging Face folder or a GGUF file, opened.
struct ModelFiles {
  ModelConfig config;
  std::string configJson; ///< of GGUF files: what stands for config.json
  TokenizerFile tokenizer;
  std::optional<Checkpoint> checkpoint;
  /// The first GGUF file; it lives as long as the checkpoint. Null for a
  /// folder.
  const GgufFile *gguf = nullptr;
  std::vector<std::string> notes; ///< for the user, of what was guessed

  /// A path to a file means GGUF, to a folder Hugging Face.
  static llvm::Expected<ModelFiles> open(llvm::StringRef path,
                                         const OpenOptions &options);
};

/// The tokenizer of a model alone. Fails if there is none.
llvm::Expected<TokenizerFile> openTokenizer(llvm::StringRef path);

} // namespace sherry

#endif // SHERRY_IMPORT_MODELFILES_H
