//===- Threads.cpp - Numbers and time slices of threads -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Threads.h"
#include "sherry-abi/limits.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <omp.h>
#include <sched.h>
#include <set>
#include <string>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace sherry::runtime;

uint32_t sherry::runtime::availableProcessors() {
  return static_cast<uint32_t>(std::max(omp_get_num_procs(), 1));
}

uint32_t sherry::runtime::limitThreads(uint32_t threads) {
  threads = std::min(
      threads, static_cast<uint32_t>(std::max(omp_get_thread_limit(), 1)));
  const char *dynamic = std::getenv("OMP_DYNAMIC");
  if (dynamic && strcasecmp(dynamic, "false") == 0)
    return threads;
  return std::min(threads, availableProcessors());
}

/// The processors of this process. If OpenMP binds threads to places, this
/// thread itself has only one.
static bool findProcessors(cpu_set_t &cpus) {
  const int places = omp_get_num_places();
  if (omp_get_proc_bind() == omp_proc_bind_false || places == 0)
    return sched_getaffinity(0, sizeof(cpus), &cpus) == 0;
  CPU_ZERO(&cpus);
  for (int place = 0; place < places; ++place) {
    std::vector<int> ids(
        static_cast<size_t>(std::max(omp_get_place_num_procs(place), 0)));
    omp_get_place_proc_ids(place, ids.data());
    for (int cpu : ids)
      if (cpu >= 0 && cpu < CPU_SETSIZE)
        CPU_SET(cpu, &cpus);
  }
  return true;
}

uint32_t sherry::runtime::defaultThreads() {
  // Threads of a core have the same list of siblings.
  std::set<std::string> cores;
  cpu_set_t cpus;
  if (findProcessors(cpus))
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      std::string siblings;
      if (CPU_ISSET(cpu, &cpus) &&
          std::ifstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                        "/topology/thread_siblings_list") >>
              siblings)
        cores.insert(siblings);
    }
  auto limit = static_cast<size_t>(std::max(omp_get_max_threads(), 1));
  size_t count = cores.empty() ? limit : std::min(cores.size(), limit);
  return static_cast<uint32_t>(std::min<size_t>(count, SHERRY_ABI_MAX_THREADS));
}

namespace {
/// The first version of the system's struct sched_attr, which C libraries
/// define only of late.
struct SchedulingAttributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;

  /// Reads those of the calling thread.
  bool read() {
    return syscall(SYS_sched_getattr, 0, this, sizeof(*this), 0) == 0;
  }
};
static_assert(sizeof(SchedulingAttributes) == 48, "SCHED_ATTR_SIZE_VER0");
} // namespace

bool sherry::runtime::setTimeSlice(uint64_t nanoseconds) {
  SchedulingAttributes attributes = {};
  if (!attributes.read() ||
      (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH))
    return false;
  attributes.runtime = nanoseconds;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 &&
         attributes.read() && attributes.runtime == nanoseconds;
}
