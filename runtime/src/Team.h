//===- Team.h - Threads that execute a forward call together ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEAM_H
#define SHERRY_RUNTIME_TEAM_H

#include "sherry-abi/abi.h"
#include "sherry/sherry.h"

#include <functional>
#include <vector>

namespace sherry::runtime {

/// What the steps of a model cost, summed over calls.
class Profile {
public:
  Profile(size_t numSteps, uint32_t numThreads);

  size_t size() const { return numSteps; }
  /// Mean over the threads that took part.
  sherry_step_time time(size_t step) const;
  /// Where thread `thread` writes its times, [size()].
  sherry_step_time *timesOf(size_t thread) {
    return times.data() + thread * numSteps;
  }

private:
  size_t numSteps, numThreads;
  std::vector<sherry_step_time> times; ///< [thread][step]
};

/// Calls `work` on a team of at most `numThreads` threads, once per thread.
/// `profile`, if there is one, gets the time between barriers.
void runTeam(uint32_t numThreads, Profile *profile,
             const std::function<void(const sherry_abi_environment *)> &work);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEAM_H
