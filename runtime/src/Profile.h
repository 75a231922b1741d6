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
  /// With `keepsEvents`, each step of each thread is kept, too.
  Profile(size_t numSteps, uint32_t numThreads, bool keepsEvents);

  size_t size() const { return numSteps; }
  /// Mean over the threads that took part. Throws Error if there is no such
  /// step.
  sherry_step_time time(size_t step) const;
  /// What was kept, by thread. Throws Error if nothing is.
  const std::vector<std::vector<sherry_step_event>> &allEvents() const;

  /// Where thread `thread` writes its times, [size()].
  sherry_step_time *timesOf(size_t thread) {
    return times.data() + thread * numSteps;
  }
  /// A call begins.
  void beginBlock() { ++blocks; }
  /// Of thread `thread`: keeps the event, up to a limit, if it is to.
  void keep(size_t thread, sherry_step_event event);

private:
  size_t numSteps, numThreads;
  std::vector<sherry_step_time> times; ///< [thread][step]
  uint64_t blocks = 0;
  std::vector<std::vector<sherry_step_event>> events; ///< empty: none are kept
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_PROFILE_H
