//===- Threads.h - Numbers of threads ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default number of threads, and its limits.
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

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_THREADS_H
