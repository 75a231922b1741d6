//===- Threads.h - Numbers and time slices of threads -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default number of threads, its limits, and the time slices of a thread.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_THREADS_H
#define SHERRY_RUNTIME_SUPPORT_THREADS_H

#include <cstdint>

namespace sherry::runtime {

/// The number of processors that this process may run on.
uint32_t availableProcessors();

/// Limits a number of threads to the number of processors, because threads that
/// share a processor wait for each other in every step. No such limit if
/// OMP_DYNAMIC is `false`, which tests use. Never more than OMP_THREAD_LIMIT.
uint32_t limitThreads(uint32_t threads);

/// One thread per physical core that this process may run on (two threads of
/// one core share its vector units), or OMP_NUM_THREADS if it is less.
uint32_t defaultThreads();

/// Asks the system to let the calling thread run for `nanoseconds` at a time
/// when threads share a processor. The thread's share of the processor stays.
/// Returns whether it will: not with Linux before 6.12, which has one length
/// for all threads, and not if the thread's policy is neither SCHED_OTHER nor
/// SCHED_BATCH.
bool setTimeSlice(uint64_t nanoseconds);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_THREADS_H
