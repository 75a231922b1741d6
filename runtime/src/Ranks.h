//===- Ranks.h - Processes that run a model together ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rank 0 has the sequences. For each call it sends the other ranks the data
// that they need to make the call, too: tokens, positions and changes of pages.
// So on all ranks the keys and values of a sequence are in pages of the same
// numbers.
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

/// The ranks, as seen by one of them. On rank 0, several threads may use the
/// object at once.
class Ranks {
public:
  explicit Ranks(std::unique_ptr<Exchange> exchange)
      : exchange(std::make_unique<Link>(std::move(exchange))) {}
  /// On rank 0, tells the others that there are no more calls.
  ~Ranks();

  uint32_t rank() const { return exchange->rank(); }
  uint32_t size() const { return exchange->size(); }
  /// See Link.
  void simulateLink(double bandwidth, double latency) {
    exchange->simulate(bandwidth, latency);
  }
  uint64_t bytesReceived() const { return exchange->bytesReceived(); }

  /// Sets the exit code of the process in case that MPI does not finish; see
  /// sherry_ranks_leave().
  void setExitCode(int code) { exitCode = code; }

  /// Opens this rank's part of the model `path` and compares it with the parts
  /// of the others. Throws Error on all ranks; a second model is an error, too.
  static std::shared_ptr<const Model> open(const std::shared_ptr<Ranks> &ranks,
                                           const std::string &path,
                                           sherry_weights weights);
  /// Compares the parts of a model that the ranks have opened; `problem` is the
  /// reason why this rank could not open its part, or empty. Throws Error on
  /// all ranks unless the parts are of one model, in the order of the ranks.
  void compare(const sherry_abi_identity &mine, const std::string &problem);

  /// Verifies all parts of a model; `model` is the part of this rank. Throws
  /// Error on all ranks if one part is damaged; then no calls can be made. To
  /// be called before follow() and before a context is made.
  void verify(const Model &model);

  /// On other ranks than 0: makes the calls of rank 0 with this part of the
  /// model until there are no more. Throws Error.
  void follow(const Model &model);
  /// On rank 0: whether calls can still be made.
  bool areTogether() const { return !isOver && !isBroken; }

private:
  friend class RemoteContext;
  /// Throws Error if the other ranks follow no longer.
  void checkTogether() const;
  uint32_t makeContext(const PagePool &pool, uint32_t numThreads);
  void dropContext(uint32_t context) noexcept;
  void end();

  std::unique_ptr<Link> exchange;
  std::mutex mutex; ///< held during a whole call
  uint32_t numContexts = 0;
  bool hasModel = false;
  int exitCode = 0;
  /// All ranks know that there are no more calls.
  std::atomic<bool> isOver = false;
  /// A call has ended only on some ranks.
  std::atomic<bool> isBroken = false;
};

/// On rank 0: the pages of the other ranks for one of its contexts.
class RemoteContext {
public:
  /// The other ranks use up to `numThreads` threads.
  RemoteContext(std::shared_ptr<Ranks> ranks, const PagePool &pool,
                uint32_t numThreads)
      : ranks(std::move(ranks)), numThreads(numThreads),
        number(this->ranks->makeContext(pool, numThreads)) {}
  RemoteContext(RemoteContext &&) = default;
  ~RemoteContext() {
    if (ranks)
      ranks->dropContext(number);
  }

  /// Makes a call on all ranks. `table` has `numSequences` rows. Sends the
  /// changes of the pool's pages, and forgets them. Throws Error; then no more
  /// calls can be made.
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
