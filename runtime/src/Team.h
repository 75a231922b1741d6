//===- Team.h - Threads that execute a forward call together ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEAM_H
#define SHERRY_RUNTIME_TEAM_H

#include "Exchange.h"
#include "Profile.h"
#include "sherry-abi/abi.h"

#include <atomic>
#include <exception>
#include <functional>
#include <vector>

namespace sherry::runtime {

/// The work of one call, divided among the threads of a team. Each thread has
/// an equal share of the iterations of a step, which it takes range by range;
/// after its own share it takes ranges of other shares. A step ends when its
/// iterations have ended, so a thread that the system stops while it holds no
/// range delays no other thread. The call ends when all threads have left it.
class Division {
public:
  /// A waiting thread spins for `spins` rounds before it yields. `exchange`, if
  /// not null, connects with other ranks.
  Division(int64_t numThreads, int spins, Exchange *exchange = nullptr)
      : next(static_cast<size_t>(numThreads)), spins(spins),
        exchange(exchange) {}

  /// To be called after the call: rethrows the exception of an exchange.
  void rethrow() const {
    if (failure)
      std::rethrow_exception(failure);
  }

private:
  friend class Member;
  /// Iterations are counted through the whole call, so counters are never
  /// reset.
  struct alignas(64) Counter {
    std::atomic<int64_t> value{0};
  };

  std::vector<Counter> next; ///< first iteration of each share not yet taken
  Counter finished;          ///< finished iterations
  Counter ended;             ///< iterations of the steps that have ended
  const int spins;
  Exchange *const exchange;
  std::exception_ptr failure; ///< of an exchange; the last one then
};

/// A thread of the team.
class Member {
public:
  /// `numThreads` threads take part, at most as many as the division has.
  /// `profile`, if not null, gets the times of steps.
  Member(Division &division, int64_t thread, int64_t numThreads,
         Profile *profile);
  Member(const Member &) = delete;
  Member &operator=(const Member &) = delete;

  /// The argument of the entry point.
  const sherry_abi_environment *environment() const { return &mine; }

private:
  static sherry_abi_range take(const sherry_abi_environment *self, int32_t step,
                               int64_t count, int64_t grain);
  sherry_abi_range take(int32_t step, int64_t count, int64_t grain);
  static void exchange(const sherry_abi_environment *self, const void *mine,
                       void *all, int64_t bytes);
  sherry_abi_range claim(int64_t count, int64_t grain);
  int64_t endOfRange(int64_t at, int64_t end, int64_t grain) const;
  void publish(int64_t end);
  void makeWay();
  void wait(int64_t end);
  void record(int32_t step, uint64_t arrival);

  Division &division;
  Profile *profile;
  sherry_step_time *times = nullptr;
  sherry_abi_environment mine;

  int64_t begin = 0;     ///< iterations of all steps before this one
  bool isInStep = false; ///< whether it has asked for a range of this step
  int64_t owner = 0;     ///< the thread whose share it takes ranges of
  int64_t taken = 0;     ///< iterations of its current range
  int64_t perRange = 0;  ///< iterations that take kRangeTime, once known

  uint64_t rangeBegin = 0;
  uint64_t stepBegin = 0, away = 0; ///< for profiles
};

/// Calls `work` on a team of at most `numThreads` threads, once per thread.
/// `profile`, if not null, gets the times of steps. `exchange`, if not null,
/// connects with other ranks; its exceptions are rethrown.
void runTeam(uint32_t numThreads, Profile *profile, Exchange *exchange,
             const std::function<void(const sherry_abi_environment *)> &work);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEAM_H
