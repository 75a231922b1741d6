//===- Parallel.cpp - Threads that work together --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <omp.h>
#include <pthread.h>
#include <thread>

using namespace sherry::runtime;

/// Whether this process was forked, and this thread is the one that called
/// fork().
static thread_local bool hasForked = false;

[[maybe_unused]] static const int registered =
    pthread_atfork(nullptr, nullptr, [] { hasForked = true; });

void sherry::runtime::runParallel(
    uint32_t numThreads, const std::function<void(int32_t, int32_t)> &work) {
  if (numThreads <= 1)
    return work(0, 1);
  auto run = [&] {
#pragma omp parallel num_threads(static_cast <int>(numThreads))
    work(omp_get_thread_num(), omp_get_num_threads());
  };
  // GNU's OpenMP keeps a team for each thread that had one, and would wait for
  // ever for threads that fork() did not copy. A new thread has no team yet.
  if (hasForked)
    std::thread(run).join();
  else
    run();
}

void sherry::runtime::parallelFor(uint64_t count,
                                  const std::function<void(uint64_t)> &work,
                                  const OwnerFn &owner) {
  std::exception_ptr failure;
  std::mutex mutex;
  const auto limit = static_cast<uint64_t>(std::max(omp_get_max_threads(), 1));
  runParallel(static_cast<uint32_t>(std::min(count, limit)),
              [&](int32_t thread, int32_t team) {
                const auto t = static_cast<uint64_t>(thread);
                const auto n = static_cast<uint64_t>(team);
                try {
                  for (uint64_t i = 0; i < count; ++i)
                    if ((owner ? owner(i, n) : i % n) == t)
                      work(i);
                } catch (...) {
                  const std::lock_guard lock(mutex);
                  failure = std::current_exception();
                }
              });
  if (failure)
    std::rethrow_exception(failure);
}
