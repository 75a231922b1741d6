//===- Scheduler.cpp - Decides which requests run next --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Scheduler.h"

#include <algorithm>

using namespace sherry;
using namespace sherry::serve;

Scheduler::Scheduler(const sherry_model *model, const Options &options)
    : engine(model, options.context),
      numSlots(std::max<uint32_t>(options.context.sequences, 1)),
      maxQueued(options.maxQueued) {
  if (!options.prefixCache.empty())
    engine.keepPrefixes(options.prefixCache, options.prefixCacheBytes);
  engine.setDrafts(options.drafts);
  snapshot();
}

void Scheduler::stop() {
  {
    const std::lock_guard lock(mutex);
    isStopping = true;
  }
  changed.notify_all();
}

/// Drops queued requests whose clients have disconnected. The caller holds the
/// mutex.
void Scheduler::dropCancelled() {
  for (auto it = queues.begin(); it != queues.end();) {
    auto &queue = it->second;
    for (auto request = queue.begin(); request != queue.end();) {
      if (!request->isCancelled()) {
        ++request;
        continue;
      }
      request = queue.erase(request);
      --numQueued;
      --numReserved;
    }
    it = queue.empty() ? queues.erase(it) : std::next(it);
  }
}

bool Scheduler::reserve(size_t count) {
  const std::lock_guard lock(mutex);
  if (count > maxQueued)
    return false;
  if (numReserved > maxQueued - count)
    dropCancelled();
  if (numReserved > maxQueued - count)
    return false;
  numReserved += count;
  return true;
}

void Scheduler::submit(const std::string &client,
                       std::vector<engine::Request> requests) {
  {
    const std::lock_guard lock(mutex);
    auto &queue = queues[client];
    for (engine::Request &request : requests) {
      queue.push_back(std::move(request));
      ++numQueued;
    }
    current.queued = numQueued;
  }
  changed.notify_all();
}

Scheduler::State Scheduler::state() const {
  const std::lock_guard lock(mutex);
  return current;
}

void Scheduler::snapshot() {
  const std::lock_guard lock(mutex);
  current.queued = numQueued;
  current.active = engine.activeRequests() + engine.waitingRequests();
  current.pages = engine.pages();
  current.freePages = engine.freePages();
  current.prefill = engine.prefillSpeed();
  current.decode = engine.decodeSpeed();
  current.drafts = engine.draftCounts();
}

/// Submits as many requests to the engine as it has slots. Waits while there is
/// nothing to do; returns false if the thread is to end.
bool Scheduler::feed() {
  while (true) {
    engine::Request request;
    {
      std::unique_lock lock(mutex);
      const size_t busy = engine.activeRequests() + engine.waitingRequests();
      if (busy == 0 && numQueued == 0 && !isStopping) {
        lock.unlock();
        savePrefixes();
        lock.lock();
      }
      if (busy == 0)
        changed.wait(lock, [&] { return isStopping || numQueued > 0; });
      if (isStopping)
        return false;
      if (numQueued == 0 || busy >= numSlots)
        return true;
      auto turn = queues.lower_bound(next);
      if (turn == queues.end())
        turn = queues.begin();
      request = std::move(turn->second.front());
      turn->second.pop_front();
      --numQueued;
      --numReserved;
      current.queued = numQueued;
      current.active = busy + 1;
      next = turn->first + '\0'; // the least name after this one
      if (turn->second.empty())
        queues.erase(turn);
    }
    const auto onError = request.onError;
    try {
      engine.submit(std::move(request));
    } catch (const std::exception &error) {
      onError(error);
    }
  }
}

/// Writes prefixes to files until a request comes.
void Scheduler::savePrefixes() {
  auto isIdle = [&] {
    const std::lock_guard lock(mutex);
    return numQueued == 0 && !isStopping;
  };
  try {
    while (isIdle() && engine.savePrefix())
      ;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sherry-serve: warning: --prefix-cache: %s\n",
                 error.what());
  }
}

void Scheduler::run(const std::function<bool()> &goesOn) {
  while (goesOn() && feed()) {
    try {
      engine.step();
    } catch (const std::exception &error) {
      // Requests report their own errors; an exception of a handler ends its
      // request.
      std::fprintf(stderr, "sherry-serve: error: %s\n", error.what());
    }
    {
      const std::lock_guard lock(mutex);
      ++current.blocks;
    }
    snapshot();
  }
}
