//===- Logits.cpp - What a model gives for each token ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Logits.h"
#include "sherry/owners.h"

#include <algorithm>
#include <cmath>
#include <exception>

using namespace sherry;
using namespace sherry::engine;

void sherry::engine::evaluate(sherry_context *context, const int32_t *tokens,
                              size_t count, sherry_logits wanted,
                              const LogitsFunction &onLogits) {
  // The C interface must not be left by an exception.
  struct Sink {
    const LogitsFunction &function;
    std::exception_ptr error;
  } sink = {onLogits, nullptr};
  auto receive = [](void *user, int64_t index, const float *logits) {
    auto &sink = *static_cast<Sink *>(user);
    try {
      if (!sink.error)
        sink.function(index, logits);
    } catch (...) {
      sink.error = std::current_exception();
    }
  };
  check(sherry_eval(context, tokens, static_cast<int64_t>(count), wanted,
                    onLogits ? +receive : nullptr, &sink));
  if (sink.error)
    std::rethrow_exception(sink.error);
}

void sherry::engine::checkLogits(const float *logits, uint32_t vocabSize) {
  bool isFinite = true;
  for (uint32_t i = 0; i < vocabSize; ++i)
    isFinite &= std::isfinite(logits[i]);
  // The words of sherry_sample.
  if (!isFinite)
    throw std::runtime_error(
        "the model's logits are not numbers; if the weights of its checkpoint "
        "are, its activations leave the range of a 16-bit type: compile it "
        "with a cache of i8 or f32, or with activations of f32");
}

LogSoftmax::LogSoftmax(const float *logits, uint32_t vocabSize)
    : logits(logits) {
  checkLogits(logits, vocabSize);
  const double most = *std::max_element(logits, logits + vocabSize);
  for (uint32_t i = 0; i < vocabSize; ++i)
    logSum += std::exp(logits[i] - most);
  logSum = std::log(logSum) + most;
}
