//===- Parallel.h - Loops over rows on all threads --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_PARALLEL_H
#define SHERRY_LIB_TRAINING_PARALLEL_H

#include "sherry/Format/Diagnostics.h"

#include <ATen/Parallel.h>

#include <vector>

namespace sherry::training {

/// Calls body(row) for every row; returns the failure of the first row that has
/// one.
template <typename Body>
format::Failure parallelRows(int64_t rows, const Body &body) {
  std::vector<format::Failure> failures(rows);
  at::parallel_for(0, rows, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      failures[row] = body(row);
  });
  for (format::Failure &failure : failures)
    if (failure)
      return std::move(failure);
  return {};
}

} // namespace sherry::training

/// Compiles a function also for AVX-512 and AVX2; the loader chooses the
/// version for this CPU. Not with a sanitizer, which is not ready when the
/// loader chooses.
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SHERRY_FOR_EACH_ISA
#else
#define SHERRY_FOR_EACH_ISA                                                    \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif

#endif // SHERRY_LIB_TRAINING_PARALLEL_H
