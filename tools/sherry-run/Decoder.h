//===- Decoder.h - A context that is continued ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_DECODER_H
#define SHERRY_TOOLS_RUN_DECODER_H

#include "Answer.h"

#include <functional>

namespace sherry::run {

/// Tokens and the seconds that they took.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  double perSecond() const {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

/// Receives the logits [vocab_size] after a token, one after the other.
using LogitsFunction = std::function<void(const float *)>;

/// The tokens that a model has read, and what continues them.
class Decoder {
public:
  Decoder(const sherry_model *model, const Options &options);

  /// Reads what is left of the last answer, then tokens. Where the context is too small for them, forgets older ones
  /// if the options say so, else throws. Calls `onLogits`, unless it is empty,
  /// after each. Reads less if the user interrupts.
  void append(const std::vector<int32_t> &tokens,
              const LogitsFunction &onLogits = {});

  /// Continues what was read. An answer that ends by a token of the model or by
  /// `endToken` (-1: none) leaves that token unread.
  EndReason answer(Answer &answer, int32_t endToken);

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
  void makeRoom(size_t count);
  void evaluate(const int32_t *begin, size_t count, sherry_logits wanted,
                const LogitsFunction &onLogits, Speed &speed);

  const sherry_model *model;
  const Options &options;
  Context context;
  Sampler sampler;
  std::vector<int32_t> tokens; ///< in the context
  /// The end of the last answer, which nothing has been picked after.
  std::vector<int32_t> unread;
  size_t kept = 0; ///< tokens in the context, from the first on
  std::vector<size_t> turns;
  Speed prefillSpeed, decodeSpeed;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_DECODER_H
