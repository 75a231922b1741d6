//===- Link.cpp - Exchanges, counted, and slower on demand ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Link.h"
#include "sherry/support/Error.h"

#include <chrono>
#include <cmath>
#include <sched.h>

using namespace sherry::runtime;

using Clock = std::chrono::steady_clock;

/// Without sleeping, which takes longer than a message.
static void waitUntil(Clock::time_point begin, double seconds) {
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(seconds));
  while (Clock::now() < end)
    sched_yield();
}

void Link::simulate(double bandwidth, double newLatency) {
  if (!(std::isfinite(bandwidth) && bandwidth > 0 &&
        std::isfinite(newLatency) && newLatency > 0))
    throw Error("a link needs a bandwidth and a latency above 0");
  perByte = 1 / bandwidth;
  latency = newLatency;
}

double Link::secondsOf(size_t bytes) const {
  return perByte * static_cast<double>(bytes);
}

void Link::allGather(const void *mine, void *all, size_t bytes,
                     bool isPatient) {
  const Clock::time_point begin = Clock::now();
  exchange->allGather(mine, all, bytes, isPatient);
  if (isPatient)
    return;
  const size_t others = (size() - 1) * bytes;
  received += others;
  // The last rank to come waits longest, and the others for it next time.
  if (latency > 0)
    waitUntil(begin, latency + secondsOf(others));
}

void Link::broadcast(void *data, size_t bytes) {
  const Clock::time_point begin = Clock::now();
  exchange->broadcast(data, bytes);
  if (latency == 0 || rank() == 0)
    return;
  // A message that was there already has crossed the network with the one
  // before.
  const Clock::time_point end = Clock::now();
  const bool wasThere = end - begin < std::chrono::duration<double>(latency);
  waitUntil(end, (wasThere ? 0 : latency) + secondsOf(bytes));
}
