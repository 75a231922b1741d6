//===- Parallel.h - Threads that work together ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_PARALLEL_H
#define SHERRY_RUNTIME_SUPPORT_PARALLEL_H

#include <cstdint>
#include <functional>

namespace sherry::runtime {

/// Calls work(thread, team) at once on the threads of a team of at most
/// `numThreads`; `team` is how many there are. `work` must not throw. Works in
/// forked processes, too: there, calls of the thread that forked start the team
/// anew, which takes some 0.1 ms.
void runParallel(uint32_t numThreads,
                 const std::function<void(int32_t, int32_t)> &work);

/// Calls work(i) for all i in [0, count), on as many threads as OpenMP has by
/// default, which take turns. Throws one of the exceptions of `work`.
void parallelFor(uint64_t count, const std::function<void(uint64_t)> &work);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_PARALLEL_H
