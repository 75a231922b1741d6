//===- Decoder.h - A context that is continued ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_DECODER_H
#define SHERRY_TOOLS_RUN_DECODER_H

#include "Answer.h"
#include "Logits.h"

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

/// Gives a prompt that asks the same as the last one in fewer tokens, or
/// nothing if it can be no shorter.
using ShortenFunction = std::function<std::vector<int32_t>()>;

/// The tokens that a model has read, and what continues them.
class Decoder {
public:
  Decoder(const sherry_model *model, const Options &options);

  /// Makes `prompt`, of one token or more, all that the model has read: what it
  /// has in common with what was read before is not read again. Throws where
  /// the context is too small. Calls `onLogits`, unless it is empty, after each
  /// token that is read, in order. If the user interrupts, what was read of it
  /// is forgotten, and the result is false.
  bool load(const std::vector<int32_t> &prompt,
            const LogitsFunction &onLogits = {});

  /// Continues the prompt. A token that ends the answer, of the model or one of
  /// `endTokens`, is no part of it. When the context is full and the options
  /// say so, forgets what `shorten` leaves out or, where there is none, the
  /// older half of all but the first tokens.
  EndReason answer(Answer &answer, const std::vector<int32_t> &endTokens,
                   const ShortenFunction &shorten);

  /// Positions of the context.
  size_t capacity() const { return sherry_context_size(context.get()); }
  void printStatistics(double loadSeconds) const;

private:
  bool forget(const ShortenFunction &shorten);
  void truncate(size_t count);
  void read(const int32_t *begin, size_t count, sherry_logits wanted,
            const LogitsFunction &onLogits, Speed &speed);

  const sherry_model *model;
  const Options &options;
  Context context;
  Sampler sampler;
  std::vector<int32_t> tokens; ///< in the context
  size_t promptSize = 0;
  Speed prefillSpeed, decodeSpeed;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_DECODER_H
