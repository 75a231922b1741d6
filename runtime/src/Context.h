//===- Context.h - Sequences and the model's memory of them -----*- C++ -*-===//
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
#include <vector>

namespace sherry::runtime {

class Context {
public:
  /// Throws Error if an option is out of range or memory is short.
  Context(std::shared_ptr<const Model> model,
          const sherry_context_options &options);

  uint32_t size() const { return capacity; }
  uint32_t block() const { return maxBlock; }
  uint32_t threads() const { return numThreads; }
  uint32_t sequences() const { return static_cast<uint32_t>(lengths.size()); }
  uint32_t position(uint32_t sequence) const {
    return sequence < lengths.size() ? lengths[sequence] : 0;
  }
  /// See sherry_context_logits.
  const float *logits() const { return lastLogits; }

  /// See sherry_context_truncate and sherry_eval_batch; both throw Error.
  void truncate(uint32_t sequence, uint32_t position);
  void eval(const sherry_batch_entry *entries, int64_t n,
            sherry_batch_logits_fn onLogits, void *user);

  /// See sherry_context_profile; throws Error.
  void profile(bool on);
  /// Throws Error if there is no profile or no such step.
  sherry_step_time stepTime(uint32_t step) const;

private:
  /// A token of a batch.
  struct Place {
    int64_t entry, index;
  };

  /// What the cache has room for, per sequence.
  int64_t cachePositions() const {
    constexpr int64_t unit = SHERRY_ABI_CONTEXT_MULTIPLE;
    return (capacity + unit - 1) / unit * unit;
  }
  /// Throws Error while eval runs: a callback may not change the context.
  void checkIdle() const;
  void checkSequence(uint32_t sequence) const;
  void checkEntry(const sherry_batch_entry &entry) const;
  void checkEntries(const sherry_batch_entry *entries, int64_t n) const;
  float *logitsBuffer(uint64_t rows);
  Place fillBlock(const sherry_batch_entry *entries, int64_t n, Place next);
  void forward(float *logits);

  std::shared_ptr<const Model> model;
  uint32_t capacity;
  uint32_t maxBlock;
  uint32_t numThreads;
  std::vector<uint32_t> lengths; ///< of the sequences
  Mapping cache, workspace, logitsMemory;
  const float *lastLogits = nullptr;
  bool isEvaluating = false;
  /// The tokens of one forward call, those with logits last.
  struct {
    std::vector<int32_t> tokens, positions, sequences;
    std::vector<Place> places;
    int64_t numLogits = 0;
  } pending;
  std::optional<Profile> steps;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CONTEXT_H
