//===- Threads.h - How many threads to use ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default number of threads, and what limits others.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_THREADS_H
#define SHERRY_RUNTIME_SUPPORT_THREADS_H

#include <cstdint>

namespace sherry::runtime {

/// Processors that this process may run on.
uint32_t availableProcessors();

/// As many of `threads` as have a processor each: threads that take turns wait
/// for each other in every step. All of them if OMP_DYNAMIC is `false`,
/// which tests use. No more than OMP_THREAD_LIMIT in any case.
uint32_t limitThreads(uint32_t threads);

/// One per physical core that this process may run on (two threads of one core
/// share its vector units), or what OMP_NUM_THREADS says if that is less.
uint32_t defaultThreads();

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_THREADS_H
