//===- Team.cpp - Threads that execute a forward call together ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Team.h"
#include "X86/Machine.h"
#include "sherry/support/Parallel.h"
#include "sherry/support/Threads.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace sherry::runtime;

Profile::Profile(size_t numSteps, uint32_t numThreads)
    : numSteps(numSteps), numThreads(numThreads), times(numSteps * numThreads) {
}

sherry_step_time Profile::time(size_t step) const {
  sherry_step_time sum = {};
  uint64_t team = 0; // may be smaller than what was asked for
  for (size_t thread = 0; thread < numThreads; ++thread) {
    const sherry_step_time &time = times[thread * numSteps + step];
    team += time.calls > 0;
    sum.calls += time.calls;
    sum.busy_ns += time.busy_ns;
    sum.waiting_ns += time.waiting_ns;
  }
  if (team == 0)
    return sum;
  return {sum.calls / team, sum.busy_ns / team, sum.waiting_ns / team};
}

namespace {
/// Where the threads of one call meet. A step of a small model takes
/// microseconds, so a thread spins for about as long; then it makes way, since
/// the thread it waits for may need this very processor. The barriers of OpenMP
/// spin on, which is a hundred times slower when processors are shared.
struct Barrier {
  alignas(64) std::atomic<int64_t> arrived{0};
  alignas(64) std::atomic<uint64_t> round{0};
  const int spins;

  explicit Barrier(int spins) : spins(spins) {}
  void wait(int64_t numThreads);
};

/// What `user` of a thread's team points to.
struct Member {
  Barrier &barrier;
  Profile *profile;
  sherry_step_time *times;
  uint64_t stepBegin;
};
} // namespace

void Barrier::wait(int64_t numThreads) {
  const uint64_t mine = round.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == numThreads) {
    arrived.store(0, std::memory_order_relaxed);
    round.store(mine + 1, std::memory_order_release);
    return;
  }
  for (int64_t i = 0; round.load(std::memory_order_acquire) == mine; ++i)
    if (i < spins)
      pauseThread();
    else
      std::this_thread::yield();
}

static uint64_t nanoseconds() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

static void wait(const sherry_abi_environment *self, int32_t) {
  static_cast<Member *>(self->user)->barrier.wait(self->n_threads);
}

static void waitAndRecord(const sherry_abi_environment *self, int32_t step) {
  auto &member = *static_cast<Member *>(self->user);
  const uint64_t arrival = nanoseconds();
  member.barrier.wait(self->n_threads);
  const uint64_t end = nanoseconds();
  if (step >= 0 && static_cast<size_t>(step) < member.profile->size()) {
    sherry_step_time &time = member.times[step];
    ++time.calls;
    time.busy_ns += arrival - member.stepBegin;
    time.waiting_ns += end - arrival;
  }
  member.stepBegin = end;
}

void sherry::runtime::runTeam(
    uint32_t numThreads, Profile *profile,
    const std::function<void(const sherry_abi_environment *)> &work) {
  // Where threads share processors, no one waits at another's expense.
  Barrier barrier(numThreads > availableProcessors() ? 0 : 2000);
  // One team for the whole call: a team per matrix would cost more than many of
  // the matrices.
  runParallel(numThreads, [&](int32_t thread, int32_t teamSize) {
    Member member{barrier, profile, nullptr, 0};
    if (profile) {
      member.times = profile->timesOf(static_cast<size_t>(thread));
      member.stepBegin = nanoseconds();
    }
    // The team may be smaller than what was asked for.
    const sherry_abi_environment environment = {sizeof(environment),
                                                profile ? waitAndRecord : wait,
                                                &member, thread, teamSize};
    work(&environment);
  });
}
