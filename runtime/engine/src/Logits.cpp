//===- Logits.cpp - Logits and log probabilities --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Logits.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

using namespace sherry::engine;

void sherry::engine::checkLogits(const float *logits, uint32_t vocabSize) {
  bool isFinite = true;
  for (uint32_t i = 0; i < vocabSize; ++i)
    isFinite &= std::isfinite(logits[i]);
  // The same message as that of sherry_sample().
  if (!isFinite)
    throw std::runtime_error(
        "the model's logits are not numbers; if the weights of its checkpoint "
        "are, its activations leave the range of a 16-bit type: compile it "
        "with a cache of i8 or f32, or with activations of f32");
}

/// The ids of all tokens, the likeliest `count` first.
static std::vector<int32_t> rank(const float *logits, uint32_t vocabSize,
                                 uint32_t count) {
  count = std::min(count, vocabSize);
  if (count == 0)
    return {};
  if (count == 1)
    return {static_cast<int32_t>(std::max_element(logits, logits + vocabSize) -
                                 logits)};
  std::vector<int32_t> tokens(vocabSize);
  std::iota(tokens.begin(), tokens.end(), 0);
  std::partial_sort(tokens.begin(), tokens.begin() + count, tokens.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b]
                                                    : a < b;
                    });
  tokens.resize(count);
  return tokens;
}

RankedLogprob sherry::engine::rankLogprob(const float *logits,
                                          uint32_t vocabSize, int32_t token,
                                          uint32_t count) {
  checkLogits(logits, vocabSize);
  // The logarithm of the sum of exponentials.
  const double most = *std::max_element(logits, logits + vocabSize);
  double sum = 0;
  for (uint32_t i = 0; i < vocabSize; ++i)
    sum += std::exp(logits[i] - most);
  const double logSum = std::log(sum) + most;
  RankedLogprob result = {logits[token] - logSum, {}};
  for (int32_t other : rank(logits, vocabSize, count))
    result.top.push_back({other, logits[other] - logSum});
  return result;
}
