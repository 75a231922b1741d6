//===- Scheduler.h - What is evaluated next ---------------------*- C++ -*-===//
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

/// Owns the engine, for the thread that calls run(). Requests wait in a queue
/// for each client, and clients take turns; the handlers of a request are
/// called in that thread. It should be the one that opened the model: OpenMP
/// keeps a team for each thread that ever had one, and lets none of them spin
/// for its work where all together are more than the processors.
class Scheduler {
public:
  /// What it is doing, as of the last block.
  struct State {
    size_t queued = 0, active = 0, pages = 0, freePages = 0;
    engine::Speed prefill, decode;
    engine::DraftCounts drafts;
    uint64_t blocks = 0; ///< evaluated so far
  };

  /// The model outlives the scheduler. Throws std::runtime_error.
  Scheduler(const sherry_model *model, const Options &options);

  /// Evaluates until stop() is called, or `goesOn` returns false.
  void run(const std::function<bool()> &goesOn);

  size_t capacity() const { return engine.capacity(); }
  size_t slots() const { return numSlots; }
  uint32_t threads() const { return engine.threads(); }

  /// Most requests that may wait.
  size_t maxRequests() const { return maxQueued; }
  /// Keeps room for so many requests in the queue; false: there is none. From
  /// any thread, as the others.
  bool reserve(size_t count);
  /// Takes requests for which room is kept, each with an onError and an
  /// isCancelled; those of one client wait for each other.
  void submit(const std::string &client, std::vector<engine::Request> requests);
  /// Ends run(), after the block that is being evaluated. Requests that are
  /// left get no events any more.
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
  /// By client; `next` takes its turn.
  std::map<std::string, std::deque<engine::Request>> queues;
  std::string next;
  size_t numQueued = 0, numReserved = 0; ///< the latter with the former
  State current;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SCHEDULER_H
