//===- LogSoftmax.h - Probabilities of tokens -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_LOGSOFTMAX_H
#define SHERRY_TOOLS_RUN_LOGSOFTMAX_H

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sherry::run {

/// Natural logarithms of the probabilities that logits stand for.
class LogSoftmax {
public:
  /// `logits` [vocabSize] must live as long.
  LogSoftmax(const float *logits, uint32_t vocabSize) : logits(logits) {
    const double most = *std::max_element(logits, logits + vocabSize);
    double sum = 0;
    for (uint32_t i = 0; i < vocabSize; ++i)
      sum += std::exp(logits[i] - most);
    logSum = std::log(sum) + most;
  }
  double operator()(int32_t token) const { return logits[token] - logSum; }

private:
  const float *logits;
  double logSum;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_LOGSOFTMAX_H
