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

/// The work of one call, for the threads of a team. A thread has an equal share
/// of the iterations of a step, which it takes range by range; who has finished
/// its own takes those of others. The step ends when its iterations have ended,
/// so a thread that the system has stopped while it has no range stops nobody.
/// The call ends when all threads have left it.
class Division {
public:
  /// `spins` rounds a waiting thread spins before it makes way. `exchange`, if
  /// there is one, is the way to other ranks.
  Division(int64_t numThreads, int spins, Exchange *exchange = nullptr)
      : next(static_cast<size_t>(numThreads)), spins(spins),
        exchange(exchange) {}

  /// After the call: throws what an exchange has thrown.
  void rethrow() const {
    if (failure)
      std::rethrow_exception(failure);
  }

private:
  friend class Member;
  /// Iterations are counted through the whole call, so nothing is set back.
  struct alignas(64) Counter {
    std::atomic<int64_t> value{0};
  };

  std::vector<Counter> next; ///< of each thread's share, the first not taken
  Counter finished;          ///< iterations
  Counter ended;             ///< iterations of the steps that have ended
  const int spins;
  Exchange *const exchange;
  std::exception_ptr failure; ///< of an exchange; there are no more then
};

/// A thread of the team.
class Member {
public:
  /// `numThreads` take part, at most those of the division. `profile`, if there
  /// is one, gets the time of steps.
  Member(Division &division, int64_t thread, int64_t numThreads,
         Profile *profile);
  Member(const Member &) = delete;
  Member &operator=(const Member &) = delete;

  /// For the entry point.
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
  bool isInStep = false; ///< whether it has asked for a range of this one
  int64_t owner = 0;     ///< thread of whose share it takes ranges
  int64_t taken = 0;     ///< iterations of its range
  int64_t perRange = 0;  ///< iterations of a range of a good size, once known

  uint64_t rangeBegin = 0;
  uint64_t stepBegin = 0, away = 0; ///< for profiles
};

/// Calls `work` on a team of at most `numThreads` threads, once per thread.
/// `profile`, if there is one, gets the time of steps. `exchange` is the way to
/// other ranks, if there are any; throws what it throws.
void runTeam(uint32_t numThreads, Profile *profile, Exchange *exchange,
             const std::function<void(const sherry_abi_environment *)> &work);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEAM_H
