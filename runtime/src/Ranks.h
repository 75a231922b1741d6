//===- Ranks.h - Processes that run a model together ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rank 0 has the sequences, and tells the others of each call what they need to
// make it too: tokens, places, and what became of pages. So keys and values of
// a rank's heads lie in the same pages on all ranks.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_RANKS_H
#define SHERRY_RUNTIME_RANKS_H

#include "Call.h"
#include "Link.h"
#include "PagePool.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace sherry::runtime {

/// The ranks, as one of them sees them. On rank 0, threads may use it at once.
class Ranks {
public:
  explicit Ranks(std::unique_ptr<Exchange> exchange)
      : exchange(std::make_unique<Link>(std::move(exchange))) {}
  /// Rank 0 lets the others go.
  ~Ranks();

  uint32_t rank() const { return exchange->rank(); }
  uint32_t size() const { return exchange->size(); }
  /// See Link.
  void simulateLink(double bandwidth, double latency) {
    exchange->simulate(bandwidth, latency);
  }
  uint64_t bytesReceived() const { return exchange->bytesReceived(); }

  /// The process ends with `code` should it not get free of the others; see
  /// sherry_ranks_leave.
  void setExitCode(int code) { exitCode = code; }

  /// Opens this rank's part of the model `path` and compares it with those of
  /// the others. Throws Error on all ranks, also for a second model.
  static std::shared_ptr<const Model> open(const std::shared_ptr<Ranks> &ranks,
                                           const std::string &path,
                                           sherry_weights weights);
  /// Compares the parts of a model that the ranks have opened; `problem` is the
  /// reason if this one could not. Throws Error on all ranks unless they are
  /// the parts of one model, in the order of the ranks.
  void compare(const sherry_abi_identity &mine, const std::string &problem);

  /// Throws Error on all ranks if a part, of which `model` is this rank's, is
  /// damaged; then there are no calls. Before others follow and before there
  /// is a context.
  void verify(const Model &model);

  /// Of the others: makes the calls of rank 0 with the model's part, until rank
  /// 0 has no more. Throws Error.
  void follow(const Model &model);
  /// Of rank 0: whether calls can still be made.
  bool areTogether() const { return !isOver && !isBroken; }

private:
  friend class RemoteContext;
  /// Throws Error if the others follow no more.
  void checkTogether() const;
  uint32_t makeContext(const PagePool &pool, uint32_t numThreads);
  void dropContext(uint32_t context) noexcept;
  void end();

  std::unique_ptr<Link> exchange;
  std::mutex mutex; ///< of a whole call
  uint32_t numContexts = 0;
  bool hasModel = false;
  int exitCode = 0;
  /// All know that there are no more calls.
  std::atomic<bool> isOver = false;
  /// A call has ended on some ranks only.
  std::atomic<bool> isBroken = false;
};

/// Of rank 0: the pages that the others have for a context of it.
class RemoteContext {
public:
  /// They use up to `numThreads` threads.
  RemoteContext(std::shared_ptr<Ranks> ranks, const PagePool &pool,
                uint32_t numThreads)
      : ranks(std::move(ranks)), numThreads(numThreads),
        number(this->ranks->makeContext(pool, numThreads)) {}
  RemoteContext(RemoteContext &&) = default;
  ~RemoteContext() {
    if (ranks)
      ranks->dropContext(number);
  }

  /// Makes a call on all ranks. `table` has `numSequences` rows. The changes of
  /// the pool's pages are told, and forgotten. Throws Error; then the ranks are
  /// not together any more.
  void run(const Workspace &workspace, const Model &model, const Call &call,
           PageTable table, int64_t numSequences, PagePool &pool,
           Profile *profile) const;

private:
  std::shared_ptr<Ranks> ranks;
  uint32_t numThreads;
  uint32_t number;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_RANKS_H
