//===- TextData.h - Texts as tokens and as batches --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_TEXTDATA_H
#define SHERRY_TRAINING_TEXTDATA_H

#include "sherry/Import/TokenizerFile.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace sherry::runtime {
class Tokenizer;
}

namespace sherry::training {

/// The tokenizer of a Hugging Face folder, as in the runtime.
class TextTokenizer {
public:
  static llvm::Expected<TextTokenizer> open(llvm::StringRef folder);
  TextTokenizer(TextTokenizer &&) noexcept;
  ~TextTokenizer();

  /// The largest id plus 1.
  int64_t getVocabSize() const { return vocabSize; }
  /// The ids of bos_token and eos_token of tokenizer_config.json.
  std::optional<int64_t> getBosToken() const { return bosToken; }
  std::optional<int64_t> getEosToken() const { return eosToken; }

  /// The tokens of the files, one after the other. As in sherry-run's
  /// --perplexity, a file begins with the BOS token if the tokenizer adds one.
  llvm::Expected<std::vector<int32_t>>
  encodeFiles(llvm::ArrayRef<std::string> paths) const;

private:
  TextTokenizer();

  std::unique_ptr<runtime::Tokenizer> tokenizer;
  int64_t vocabSize = 0;
  std::optional<int64_t> bosToken, eosToken;
};

/// The offsets of the sequences of training: a pure function of the seed and
/// the number of the sequence, so that a run needs no state to go on. Each
/// epoch cuts the text into windows from another offset on, and goes through
/// all windows in another random order.
class SequenceOrder {
public:
  /// `tokens` > `length`: a window has `length` tokens and one to predict after
  /// the last.
  SequenceOrder(int64_t tokens, int64_t length, uint64_t seed);

  /// The first token of a sequence.
  int64_t getOffset(int64_t sequence) const;

private:
  int64_t length, windows;
  int64_t slack; ///< number of offsets at which the first window may begin
  uint64_t seed;
};

/// A permutation of [0, count), evaluated at `index`: a Feistel network; values
/// from `count` on are permuted again.
int64_t permute(int64_t index, int64_t count, uint64_t seed);

/// int64 tensors: inputs[count][length] of consecutive tokens, and the token
/// after each, targets[count * length].
struct Batch {
  at::Tensor inputs, targets;
};
Batch makeBatch(llvm::ArrayRef<int32_t> tokens, llvm::ArrayRef<int64_t> offsets,
                int64_t length);

} // namespace sherry::training

#endif // SHERRY_TRAINING_TEXTDATA_H
