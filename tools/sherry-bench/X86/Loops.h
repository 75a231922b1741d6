//===- Loops.h - Loops at the limits of an x86 CPU --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_X86_LOOPS_H
#define SHERRY_TOOLS_BENCH_X86_LOOPS_H

#include <array>
#include <cstdint>

namespace sherry::bench {

/// The bytes of one iteration of a reading loop; sizes are multiples.
inline constexpr uint64_t kReadBytes = 512;

/// Reads `size` bytes, aligned to 64, with the widest loads of this CPU.
using ReadLoop = void (*)(const char *bytes, uint64_t size);
/// Without and with software prefetch.
std::array<ReadLoop, 2> getReadLoops();

struct MultiplyLoop {
  const char *instruction;      ///< such as "vpdpbusd zmm"
  void (*run)(uint64_t rounds); ///< multiplies registers
  int products;                 ///< of 8-bit integers in a round
};
/// The loop with the best instruction of this CPU.
MultiplyLoop getMultiplyLoop();

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_X86_LOOPS_H
