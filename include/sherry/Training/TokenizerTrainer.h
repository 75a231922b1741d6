//===- TokenizerTrainer.h - A tokenizer.json from texts ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_TOKENIZERTRAINER_H
#define SHERRY_TRAINING_TOKENIZERTRAINER_H

#include "sherry/Training/BpeTrainer.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace sherry::runtime {
class Tokenizer;
}

namespace sherry::training {

struct TokenizerOptions {
  uint32_t vocabSize = 0; ///< special tokens included
  /// Their ids follow those of the other tokens, in this order.
  std::vector<std::string> specialTokens;
  /// How text is cut into pieces: a value of tokenizer.ggml.pre.
  std::string preTokenizer = "llama-bpe";
  /// A pair that occurs less often is not merged.
  uint64_t minFrequency = 2;
};

/// Trains byte-level BPE. The runtime's own tokenizer cuts the texts, so that
/// merges are learned on the pieces that it will encode. Bytes that are not
/// UTF-8 are pieces of their own; special tokens in the text belong to no
/// piece.
class TokenizerTrainer {
public:
  /// Fails if the options contradict each other.
  static llvm::Expected<TokenizerTrainer> create(TokenizerOptions options);
  TokenizerTrainer(TokenizerTrainer &&);
  ~TokenizerTrainer();

  /// Calls `onProgress` with the number of bytes of `text` that are done, every
  /// few megabytes.
  llvm::Error addText(llvm::StringRef text,
                      llvm::function_ref<void(uint64_t)> onProgress);

  /// Returns all tokens except the special tokens. Fails if no text was added.
  llvm::Expected<BpeVocabulary>
  train(llvm::function_ref<void(size_t)> onMerge) const;

  /// Writes a tokenizer.json of Hugging Face tokenizers. Fails if a special
  /// token has the same text as another token.
  llvm::Error write(const BpeVocabulary &vocabulary,
                    llvm::raw_ostream &out) const;

  const BpeTrainer &getPieces() const { return trainer; }

private:
  explicit TokenizerTrainer(TokenizerOptions options);

  TokenizerOptions options;
  std::unique_ptr<runtime::Tokenizer> cutter; ///< has no merges
  BpeTrainer trainer;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_TOKENIZERTRAINER_H
