//===- Profile.h - Where the time of evaluations goes -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_PROFILE_H
#define SHERRY_RUNTIME_PROFILE_H

#include "sherry/profile.h"

#include <vector>

namespace sherry::runtime {

/// The time of each step of a model, summed over calls.
class Profile {
public:
  /// With `keepsEvents`, the profile also keeps each step of each thread.
  Profile(size_t numSteps, uint32_t numThreads, bool keepsEvents);

  size_t size() const { return numSteps; }
  /// The mean over the threads that took part. Throws Error if there is no such
  /// step.
  sherry_step_time time(size_t step) const;
  /// The kept events of each thread. Throws Error if the profile keeps none.
  const std::vector<std::vector<sherry_step_event>> &allEvents() const;

  /// The times [size()] that thread `thread` writes.
  sherry_step_time *timesOf(size_t thread) {
    return times.data() + thread * numSteps;
  }
  /// Counts a call that begins.
  void beginBlock() { ++blocks; }
  /// Keeps an event of thread `thread`, up to SHERRY_MAX_EVENTS, if the profile
  /// keeps events.
  void keep(size_t thread, sherry_step_event event);

private:
  size_t numSteps, numThreads;
  std::vector<sherry_step_time> times; ///< [thread][step]
  uint64_t blocks = 0;
  std::vector<std::vector<sherry_step_event>> events; ///< empty: not kept
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_PROFILE_H
