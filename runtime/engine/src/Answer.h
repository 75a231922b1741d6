//===- Answer.h - A request that is being answered --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_ANSWER_H
#define SHERRY_ENGINE_ANSWER_H

#include "AnswerText.h"
#include "sherry/engine/Engine.h"

#include <algorithm>

namespace sherry::engine {

/// Sequences that are kept for what they have read.
inline constexpr size_t kMostParked = 64;

/// Tokens that two lists have in common at the beginning.
inline size_t countCommon(const std::vector<int32_t> &a,
                          const std::vector<int32_t> &b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

/// A request that is being answered.
struct Engine::Answer {
  Answer(const sherry_model *model, Id id, Request given)
      : id(id), request(std::move(given)), text(model, request.stops),
        tokens(request.prompt), promptSize(tokens.size()) {
    if (!request.sampler)
      request.sampler.reset(check(sherry_sampler_create(&request.sampling)),
                            sherry_sampler_destroy);
  }

  /// Tokens that are to be read.
  size_t left() const { return tokens.size() - position; }
  bool isCancelled() const {
    return wasCancelled || (request.isCancelled && request.isCancelled());
  }

  Id id;
  Request request;
  AnswerText text;
  std::vector<int32_t> tokens; ///< all that the answer follows from
  size_t position = 0;         ///< of them are read
  size_t promptSize;
  int64_t count = 0; ///< tokens of the answer
  bool hasReadPrompt = false, wasCancelled = false;
  uint32_t sequence = 0;
  size_t pages = 0; ///< that it may need
  // What a step has brought.
  std::optional<TokenEvent> next;
  std::exception_ptr error;
};

/// What a request has of a block.
struct Engine::Share {
  Answer *answer;
  size_t count;
  bool isLast; ///< nothing is left to read then
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ANSWER_H
