//===- Team.cpp - Threads that execute a forward call together ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Team.h"
#include "X86/Machine.h"
#include "sherry/support/Parallel.h"
#include "sherry/support/Threads.h"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace sherry::runtime;

/// The approximate time of a range in nanoseconds. If the system stops a thread
/// within a range, the others wait at least as long.
static constexpr int64_t kRangeTime = 50'000;
/// The time in nanoseconds after which a thread yields its processor when it
/// holds no range: where processes share a processor, the system would stop the
/// thread within a range at the end of its time slice. The system counts the
/// rest of a slice as used, so threads ask for slices that end with the range
/// in which the time is over. The time is less where they do not get them.
static constexpr uint64_t kTurn = 2'000'000, kTurnOfOtherSlices = 1'500'000;

static uint64_t nanoseconds() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

/// When this thread last yielded or was stopped; kept between calls, which are
/// short.
static thread_local uint64_t turnBegin = 0;
/// The time after which this thread yields.
static thread_local uint64_t turn = kTurnOfOtherSlices;
/// Whether this thread has asked for its slices.
static thread_local bool hasAsked = false;

Member::Member(Division &division, int64_t thread, int64_t numThreads,
               Profile *profile)
    : division(division),
      profile(profile), mine{sizeof(mine),
                             take,
                             this,
                             thread,
                             numThreads,
                             division.exchange ? exchange : nullptr,
                             division.exchange ? division.exchange->rank()
                                               : 0} {
  if (!profile)
    return;
  times = profile->timesOf(static_cast<size_t>(thread));
  stepBegin = nanoseconds();
}

sherry_abi_range Member::take(const sherry_abi_environment *self, int32_t step,
                              int64_t count, int64_t grain) {
  return static_cast<Member *>(self->user)->take(step, count, grain);
}

/// The step has one iteration, so no other thread is here.
void Member::exchange(const sherry_abi_environment *self, const void *mine,
                      void *all, int64_t bytes) {
  Division &division = static_cast<Member *>(self->user)->division;
  if (division.failure)
    return;
  try {
    division.exchange->allGather(mine, all, static_cast<size_t>(bytes),
                                 /*isPatient=*/false);
  } catch (...) {
    // An exception must not pass through the code of the model.
    division.failure = std::current_exception();
  }
}

sherry_abi_range Member::take(int32_t step, int64_t count, int64_t grain) {
  const bool isAlone = mine.n_threads == 1;
  if (!isInStep) {
    isInStep = true;
    owner = mine.thread;
    perRange = 0;
    if (isAlone && count > 0)
      return {0, count};
  }
  const int64_t end = begin + count;
  if (!isAlone) {
    uint64_t now = nanoseconds();
    if (taken > 0) {
      const uint64_t time = now - rangeBegin;
      // A thread that took so long was stopped by the system and has a new
      // slice.
      if (time > turn)
        turnBegin = now;
      else
        perRange = std::max<int64_t>(
            taken * kRangeTime / static_cast<int64_t>(time + 1), 1);
      publish(end);
    }
    if (now - turnBegin > turn) {
      makeWay();
      now = turnBegin;
    }
    if (const sherry_abi_range range = claim(count, grain);
        range.begin < range.end) {
      taken = range.end - range.begin;
      rangeBegin = now;
      return range;
    }
  }
  const uint64_t arrival = profile ? nanoseconds() : 0;
  if (!isAlone)
    wait(end);
  if (profile)
    record(step, arrival);
  begin = end;
  isInStep = false;
  return {0, 0};
}

/// The end of the next range of the iterations [at, end).
int64_t Member::endOfRange(int64_t at, int64_t end, int64_t grain) const {
  if (grain == 0)
    return end;
  // Leaves iterations for other threads until few are left.
  const int64_t size =
      perRange > 0 ? std::min(perRange, (end - at) / 2) : (end - at) / 32;
  const int64_t multiple = (at + size) / grain * grain;
  return std::min(multiple > at ? multiple : (at / grain + 1) * grain, end);
}

sherry_abi_range Member::claim(int64_t count, int64_t grain) {
  const int64_t numThreads = mine.n_threads;
  if (division.ended.value.load(std::memory_order_relaxed) >= begin + count)
    return {0, 0};
  for (int64_t i = 0; i < numThreads; ++i) {
    const int64_t first = owner * count / numThreads;
    const int64_t end = (owner + 1) * count / numThreads;
    std::atomic<int64_t> &next = division.next[owner].value;
    int64_t before = next.load(std::memory_order_relaxed);
    while (true) {
      // Before the step, no iterations have been taken.
      const int64_t at = std::max(before - begin, first);
      if (at >= end)
        break;
      const int64_t rangeEnd = endOfRange(at, end, grain);
      // Relaxed: the inputs of iterations became visible when the step before
      // ended.
      if (next.compare_exchange_weak(before, begin + rangeEnd,
                                     std::memory_order_relaxed))
        return {at, rangeEnd};
    }
    owner = owner + 1 == numThreads ? 0 : owner + 1;
  }
  return {0, 0};
}

/// Publishes that the thread has finished its range of the step that ends at
/// `end`.
void Member::publish(int64_t end) {
  const int64_t before =
      division.finished.value.fetch_add(taken, std::memory_order_acq_rel);
  if (before + taken == end)
    division.ended.value.store(end, std::memory_order_release);
  taken = 0;
}

void Member::makeWay() {
  const uint64_t from = profile ? nanoseconds() : 0;
  std::this_thread::yield();
  turnBegin = nanoseconds();
  if (profile)
    away += turnBegin - from;
}

/// Waits for the end of a step of which no iterations are left. A step of a
/// small model takes microseconds, so a thread spins for about as long; then it
/// yields, because the thread that it waits for may need this processor.
void Member::wait(int64_t end) {
  const std::atomic<int64_t> &ended = division.ended.value;
  for (int i = 0; ended.load(std::memory_order_acquire) < end; ++i)
    if (i < division.spins)
      pauseThread();
    else
      std::this_thread::yield();
}

void Member::record(int32_t step, uint64_t arrival) {
  const uint64_t end = nanoseconds();
  if (step >= 0 && static_cast<size_t>(step) < profile->size()) {
    sherry_step_time &time = times[step];
    ++time.calls;
    time.busy_ns += arrival - stepBegin - away;
    time.waiting_ns += end - arrival + away;
    profile->keep(static_cast<size_t>(mine.thread),
                  {static_cast<uint32_t>(step),
                   static_cast<uint32_t>(mine.thread), 0, stepBegin, arrival,
                   end});
  }
  stepBegin = end;
  away = 0;
}

void sherry::runtime::runTeam(
    uint32_t numThreads, Profile *profile, Exchange *exchange,
    const std::function<void(const sherry_abi_environment *)> &work) {
  // If threads share processors, a waiting thread must not spin.
  Division division(numThreads, numThreads > availableProcessors() ? 0 : 2000,
                    exchange);
  if (profile)
    profile->beginBlock();
  // One team for the whole call: a team per matrix would cost more than many of
  // the matrices.
  runParallel(numThreads, [&](int32_t thread, int32_t teamSize) {
    if (teamSize > 1 && !hasAsked) {
      hasAsked = true;
      turn = setTimeSlice(kTurn + kRangeTime) ? kTurn : kTurnOfOtherSlices;
    }
    // The team may be smaller than `numThreads`.
    Member member(division, thread, teamSize, profile);
    work(member.environment());
  });
  division.rethrow();
}
