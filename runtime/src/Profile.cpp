//===- Profile.cpp - Where the time of evaluations goes -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Profile.h"
#include "sherry/support/Error.h"

using namespace sherry::runtime;

Profile::Profile(size_t numSteps, uint32_t numThreads, bool keepsEvents)
    : numSteps(numSteps), numThreads(numThreads), times(numSteps * numThreads) {
  if (!keepsEvents)
    return;
  events.resize(numThreads);
  // No memory may be allocated while the model's code runs.
  for (auto &list : events)
    list.reserve(SHERRY_MAX_EVENTS);
}

sherry_step_time Profile::time(size_t step) const {
  if (step >= numSteps)
    throw Error("step " + std::to_string(step) + " is not in [0, " +
                std::to_string(numSteps) + ")");
  sherry_step_time sum = {};
  uint64_t team = 0; // may be smaller than the context's number of threads
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

const std::vector<std::vector<sherry_step_event>> &Profile::allEvents() const {
  if (events.empty())
    throw Error("the context keeps no steps; let it trace before evaluating");
  return events;
}

void Profile::keep(size_t thread, sherry_step_event event) {
  if (events.empty() || events[thread].size() == SHERRY_MAX_EVENTS)
    return;
  event.block = blocks - 1;
  events[thread].push_back(event);
}
