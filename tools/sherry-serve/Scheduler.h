//===- Scheduler.h - Decides which requests run next ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_SCHEDULER_H
#define SHERRY_TOOLS_SERVE_SCHEDULER_H

#include "Options.h"
#include "sherry/engine/Engine.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

namespace sherry::serve {

/// Owns the engine, which works in the thread that calls run(). Each client has
/// a queue of requests, and clients take turns. The handlers of a request are
/// called in the thread of run(). This thread should be the one that opened the
/// model: OpenMP keeps a team for each thread that ever had one, and if all
/// teams together have more threads than there are processors, it lets none of
/// them spin.
class Scheduler {
public:
  /// The state after the last block.
  struct State {
    size_t queued = 0, active = 0, pages = 0, freePages = 0;
    engine::Speed prefill, decode;
    engine::DraftCounts drafts;
    uint64_t blocks = 0; ///< evaluated so far
  };

  /// The model must outlive the scheduler. Throws std::runtime_error.
  Scheduler(const sherry_model *model, const Options &options);

  /// Evaluates requests until stop() is called or `goesOn` returns false.
  void run(const std::function<bool()> &goesOn);

  size_t capacity() const { return engine.capacity(); }
  size_t slots() const { return numSlots; }
  uint32_t threads() const { return engine.threads(); }

  /// The most requests that may wait.
  size_t maxRequests() const { return maxQueued; }
  /// Reserves room for `count` requests in the queue; returns false if there is
  /// not enough room. For any thread, as the other functions.
  bool reserve(size_t count);
  /// Adds requests, for which room is reserved; each has an onError and an
  /// isCancelled. Requests of one client wait for each other.
  void submit(const std::string &client, std::vector<engine::Request> requests);
  /// Ends run() after the block that is being evaluated. Requests that are left
  /// get no more events.
  void stop();
  State state() const;

private:
  bool feed();
  void savePrefixes();
  void dropCancelled();
  void snapshot();

  engine::Engine engine;
  const size_t numSlots, maxQueued;

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool isStopping = false;
  /// By client; `next` is the client whose turn it is.
  std::map<std::string, std::deque<engine::Request>> queues;
  std::string next;
  size_t numQueued = 0, numReserved = 0; ///< the latter with the former
  State current;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SCHEDULER_H
