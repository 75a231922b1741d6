//===- Context.h - Sequences and the model's memory of them -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Owns the buffers of a model's entry points, and calls the entry points.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_CONTEXT_H
#define SHERRY_RUNTIME_CONTEXT_H

#include "Call.h"
#include "Ranks.h"
#include "Sequence.h"
#include "sherry/sherry.h"

#include <memory>
#include <optional>
#include <vector>

namespace sherry::runtime {

class Context {
public:
  /// Throws Error if an option is out of range or memory runs out.
  Context(std::shared_ptr<const Model> model,
          const sherry_context_options &options);

  uint32_t size() const { return capacity; }
  uint32_t block() const { return maxBlock; }
  uint32_t threads() const { return numThreads; }
  uint32_t sequences() const { return static_cast<uint32_t>(slots.size()); }
  uint32_t position(uint32_t sequence) const {
    return exists(sequence) ? slots[sequence]->length() : 0;
  }
  const PagePool &pages() const { return pool; }
  /// See sherry_context_logits.
  const float *logits() const { return lastLogits; }

  // See the functions of the same names in sherry.h. All throw Error.
  const Sequence &sequence(uint32_t number) const;
  uint32_t createSequence();
  void dropSequence(uint32_t sequence);
  uint32_t forkSequence(uint32_t sequence, uint32_t position);
  void saveSequence(uint32_t sequence, const std::string &path) const;
  uint32_t loadSequence(const std::string &path);
  void truncate(uint32_t sequence, uint32_t position);
  void eval(const sherry_batch_entry *entries, int64_t n,
            sherry_batch_logits_fn onLogits, void *user);

  /// Starts a profile with all times zero. Throws Error.
  void startProfile(bool keepsEvents);
  void stopProfile();
  /// Throws Error if there is no profile.
  const Profile &profile() const;

  /// See sherry_context_on_block.
  void onBlock(sherry_block_fn function, void *user) {
    goesOn = function;
    goesOnUser = user;
  }

private:
  /// A token of a batch.
  struct Place {
    int64_t entry, index;
  };

  /// Entries of the page table per sequence.
  int64_t tableStride() const {
    return static_cast<int64_t>(Sequence::pagesOf(capacity));
  }
  bool exists(uint32_t sequence) const {
    return sequence < slots.size() && slots[sequence];
  }
  uint32_t add(Sequence sequence);
  /// Throws Error while eval runs: a callback may not change the context.
  void checkIdle() const;
  void checkAlone() const;
  void checkSequence(uint32_t sequence) const;
  void checkPosition(uint32_t sequence, uint32_t position,
                     const char *action) const;
  void checkEntry(const sherry_batch_entry &entry) const;
  void checkEntries(const sherry_batch_entry *entries, int64_t n) const;
  void makeRoom(const sherry_batch_entry *entries, int64_t n);
  Place fillBlock(const sherry_batch_entry *entries, int64_t n, Place next);
  void forward(int64_t numSequences);
  void passOn(sherry_batch_logits_fn onLogits, void *user);

  std::shared_ptr<const Model> model;
  uint32_t capacity;
  uint32_t maxBlock;
  uint32_t numThreads;
  PagePool pool;
  std::vector<std::optional<Sequence>> slots; ///< empty: free number
  Workspace workspace;
  std::optional<RemoteContext> others; ///< of the other ranks, if there are any
  const float *lastLogits = nullptr;
  bool isEvaluating = false;
  sherry_block_fn goesOn = nullptr;
  void *goesOnUser = nullptr;
  std::vector<int32_t> pageTable; ///< [entries of a batch][tableStride()]
  Call pending;                   ///< with entries of the batch as sequences
  std::vector<Place> places;      ///< of the tokens of `pending`
  std::optional<Profile> times;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CONTEXT_H
