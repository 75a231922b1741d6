//===- Link.cpp - Exchanges, counted, and slower on demand ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Link.h"
#include "sherry/support/Error.h"

#include <chrono>
#include <sched.h>
#include <utility>

using namespace sherry::runtime;

using Clock = std::chrono::steady_clock;

/// Waits without sleeping, because sleeping takes longer than a message.
static void waitFor(double seconds) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds));
  while (Clock::now() < end)
    sched_yield();
}

void Link::simulate(double bandwidth, double newLatency) {
  // Comparisons with NaN are false, so NaN is refused.
  if (!(bandwidth >= 1 && newLatency > 0 && newLatency <= 10))
    throw Error("a link needs a bandwidth of at least 1 byte per second and a "
                "latency above 0 and of at most 10 seconds");
  perByte = 1 / bandwidth;
  latency = newLatency;
}

double Link::secondsOf(size_t bytes) const {
  return perByte * static_cast<double>(bytes);
}

void Link::allGather(const void *mine, void *all, size_t bytes,
                     bool isPatient) {
  exchange->allGather(mine, all, bytes, isPatient);
  if (isPatient) // not part of a call
    return;
  const size_t others = (size() - 1) * bytes;
  received += others;
  hasMessage = false;
  if (latency > 0)
    waitFor(latency + secondsOf(others));
}

void Link::broadcast(void *data, size_t bytes) {
  exchange->broadcast(data, bytes);
  if (latency == 0 || rank() == 0)
    return;
  // Messages that follow one another cross the network together.
  const double begin = std::exchange(hasMessage, true) ? 0 : latency;
  waitFor(begin + secondsOf(bytes));
}
