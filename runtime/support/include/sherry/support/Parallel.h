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

/// Calls work(thread, team) at the same time on all threads of a team; `team`
/// is the number of its threads, at most `numThreads`. `work` must not throw.
/// Works in forked processes, too: there, each call by the thread that forked
/// starts the team anew, which takes about 0.1 ms.
void runParallel(uint32_t numThreads,
                 const std::function<void(int32_t, int32_t)> &work);

/// Returns the thread, in [0, n), that does the work i of a team of n threads.
using OwnerFn = std::function<uint64_t(uint64_t i, uint64_t n)>;

/// Calls work(i) for all i in [0, count) on OpenMP's default number of threads,
/// in ascending order on each thread. `owner` says which thread does it; by
/// default thread t of n calls work(t), work(t + n) and so on. Throws one of
/// the exceptions of `work`.
void parallelFor(uint64_t count, const std::function<void(uint64_t)> &work,
                 const OwnerFn &owner = nullptr);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_PARALLEL_H
