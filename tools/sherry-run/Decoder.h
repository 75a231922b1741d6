//===- Decoder.h - A context that is continued ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_DECODER_H
#define SHERRY_TOOLS_RUN_DECODER_H

#include "Answer.h"
#include "Logits.h"

namespace sherry::run {

/// Tokens and the seconds that they took.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  double perSecond() const {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

/// The tokens that a model has read, and what continues them.
class Decoder {
public:
  Decoder(const sherry_model *model, const Options &options);

  /// Reads tokens. Where the context is too small for them, forgets older ones
  /// if the options say so, else throws. Calls `onLogits`, unless it is empty,
  /// after each, in order. If the user interrupts, all of them are as if they
  /// had not been read, and the result is false.
  bool append(const std::vector<int32_t> &tokens,
              const LogitsFunction &onLogits = {});

  /// Continues what was read. A token that ends the answer, of the model or
  /// `endToken` (-1: none), is no part of it.
  EndReason answer(Answer &answer, int32_t endToken);
  /// Makes the last answer `tokens`: forgets it from the first token on that
  /// differs, and returns those of `tokens` that are to be read.
  std::vector<int32_t> replaceAnswer(const std::vector<int32_t> &tokens);

  /// From here on, tokens may be forgotten; all that come before are kept.
  void keepAll();
  /// A place from which on the tokens make sense without those before.
  void markTurn() { turns.push_back(tokens.size()); }
  /// Forgets all.
  void reset();

  /// Positions of the context.
  size_t capacity() const { return sherry_context_size(context.get()); }
  void printStatistics(double loadSeconds) const;

private:
  /// The tokens that are never forgotten.
  size_t countKept() const;
  /// Whether `count` tokens have room once others have been forgotten.
  bool canMakeRoom(size_t count) const;
  void makeRoom(size_t count);
  void truncate(size_t count);
  void read(const int32_t *begin, size_t count, sherry_logits wanted,
            const LogitsFunction &onLogits, Speed &speed);

  const sherry_model *model;
  const Options &options;
  Context context;
  Sampler sampler;
  std::vector<int32_t> tokens; ///< in the context
  size_t kept = 0;             ///< since keepAll()
  std::vector<size_t> turns;
  // The last answer.
  std::vector<int32_t> picked;
  size_t forgotten = 0; ///< of picked, from the first on
  /// Where its first token lies, or would lie if it were not forgotten.
  ptrdiff_t answerBegin = 0;
  Speed prefillSpeed, decodeSpeed;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_DECODER_H
