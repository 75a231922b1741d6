//===- OneThread.cpp - The runtime's threads, of which there is one -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In place of Parallel.cpp and Threads.cpp: clang's OpenMP is a package of its
// own, and an input is to do the same in every run.
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Parallel.h"
#include "sherry/support/Threads.h"

using namespace sherry::runtime;

void sherry::runtime::runParallel(
    uint32_t, const std::function<void(int32_t, int32_t)> &work) {
  work(0, 1);
}

uint32_t sherry::runtime::availableProcessors() { return 1; }

uint32_t sherry::runtime::limitThreads(uint32_t) { return 1; }

bool sherry::runtime::setTimeSlice(uint64_t) { return false; }

void sherry::runtime::parallelFor(uint64_t count,
                                  const std::function<void(uint64_t)> &work,
                                  const OwnerFn &) {
  for (uint64_t i = 0; i < count; ++i)
    work(i);
}
