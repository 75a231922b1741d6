//===- Context.h - One sequence and the model's memory of it ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Owns the buffers that a model's entry points work on, and calls them.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_CONTEXT_H
#define SHERRY_RUNTIME_CONTEXT_H

#include "Memory.h"
#include "Model.h"
#include "Team.h"
#include "sherry/sherry.h"

#include <memory>
#include <optional>

namespace sherry::runtime {

class Context {
public:
  /// Throws Error if an option is out of range or memory is short.
  Context(std::shared_ptr<const Model> model,
          const sherry_context_options &options);

  uint32_t size() const { return capacity; }
  uint32_t block() const { return maxBlock; }
  uint32_t threads() const { return numThreads; }
  uint32_t position() const { return length; }
  /// See sherry_context_logits.
  const float *logits() const { return lastLogits; }

  /// See sherry_context_truncate and sherry_eval; both throw Error.
  void truncate(uint32_t position);
  void eval(const int32_t *tokens, int64_t n, sherry_logits wanted,
            sherry_logits_fn onLogits, void *user);

  /// See sherry_context_profile.
  void profile(bool on);
  /// Throws Error if there is no profile or no such step.
  sherry_step_time stepTime(uint32_t step) const;

private:
  /// What the cache has room for.
  int64_t cachePositions() const {
    constexpr int64_t unit = SHERRY_ABI_CONTEXT_MULTIPLE;
    return (capacity + unit - 1) / unit * unit;
  }
  void checkTokens(const int32_t *tokens, int64_t n) const;
  float *logitsBuffer(uint64_t rows);
  void forward(const int32_t *tokens, int64_t n, int64_t nLogits,
               float *logits);

  std::shared_ptr<const Model> model;
  uint32_t capacity;
  uint32_t maxBlock;
  uint32_t numThreads;
  uint32_t length = 0;
  Mapping cache, workspace, logitsMemory;
  const float *lastLogits = nullptr;
  std::optional<Profile> steps;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CONTEXT_H
