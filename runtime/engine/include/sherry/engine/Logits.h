//===- Logits.h - Logits and log probabilities ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_LOGITS_H
#define SHERRY_ENGINE_LOGITS_H

#include "sherry/sherry.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace sherry::engine {

/// Receives the logits [vocab_size] after token `index` of a prompt. `logits`
/// is valid during the call.
using LogitsFunction = std::function<void(int64_t index, const float *logits)>;

/// Throws std::runtime_error, whose message names a remedy, unless all logits
/// [vocabSize] are finite.
void checkLogits(const float *logits, uint32_t vocabSize);

struct TokenLogprob {
  int32_t token;
  double logprob; ///< natural logarithm of its probability
};

/// The log probability of a token, and the likeliest tokens at its position.
struct RankedLogprob {
  double logprob;
  std::vector<TokenLogprob> top; ///< the likeliest first
};

/// The log probabilities of `token` and of the `count` likeliest tokens (at
/// most all), from logits [vocabSize]. Equally likely tokens are in ascending
/// order. Throws as checkLogits does.
RankedLogprob rankLogprob(const float *logits, uint32_t vocabSize,
                          int32_t token, uint32_t count);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_LOGITS_H
