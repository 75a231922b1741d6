//===- Roofline.h - The limits of this machine ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The limits that a model's speed is compared with, measured in the same run:
// reading memory, and multiplying 8-bit integers.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_ROOFLINE_H
#define SHERRY_TOOLS_BENCH_ROOFLINE_H

#include <cstdint>
#include <string>

namespace sherry::bench {

/// The bandwidth, in bytes per second, at which `threads` threads together read
/// a buffer of `bytes` bytes, each its own part, with the widest loads of this
/// CPU. The buffer is in huge pages if the system grants them. Reads with and
/// without software prefetch; the faster counts. Median of `repetitions`.
double measurePlainRead(uint64_t bytes, uint32_t threads, uint32_t repetitions);

struct MultiplyPeak {
  std::string instruction; ///< such as "vpdpbusd zmm"
  double perSecond;        ///< multiply-adds of 8-bit integers, all threads
};
/// The rate of multiply-adds on registers alone, with the best instruction of
/// this CPU, in the best of more than `repetitions` runs.
MultiplyPeak measureMultiplyPeak(uint32_t threads, uint32_t repetitions);

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_ROOFLINE_H
