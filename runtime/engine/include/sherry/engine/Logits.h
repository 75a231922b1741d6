//===- Logits.h - What a model gives for each token -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_LOGITS_H
#define SHERRY_ENGINE_LOGITS_H

#include "sherry/sherry.h"

#include <cstdint>
#include <functional>

namespace sherry::engine {

/// Receives the logits [vocab_size] after token `index` of a call or a prompt.
/// They are valid during the call.
using LogitsFunction = std::function<void(int64_t index, const float *logits)>;

/// Appends `count` tokens to the first sequence, and calls `onLogits`, unless
/// it is empty, for those whose logits are wanted. Throws std::runtime_error,
/// and passes on what `onLogits` throws: the tokens have been read then.
void evaluate(sherry_context *context, const int32_t *tokens, size_t count,
              sherry_logits wanted, const LogitsFunction &onLogits = {});

/// Throws std::runtime_error, which says what can be done, unless all logits
/// [vocabSize] are finite.
void checkLogits(const float *logits, uint32_t vocabSize);

/// Natural logarithms of the probabilities that logits stand for.
class LogSoftmax {
public:
  /// `logits` [vocabSize] must live as long. Throws as checkLogits does.
  LogSoftmax(const float *logits, uint32_t vocabSize);
  double operator()(int32_t token) const { return logits[token] - logSum; }

private:
  const float *logits;
  double logSum = 0;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_LOGITS_H
