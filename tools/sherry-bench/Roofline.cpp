//===- Roofline.cpp - The limits of this machine --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Roofline.h"
#include "Measure.h"
#include "X86/Loops.h"
#include "sherry/support/Memory.h"

#include <algorithm>
#include <memory>
#include <omp.h>

using namespace sherry;
using namespace sherry::bench;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Runs `work(thread)` on all threads at once and returns the seconds from the
/// common start to the last end.
template <typename Work> static double timeTeam(uint32_t threads, Work work) {
  double begin = 0, end = 0;
#pragma omp parallel num_threads(static_cast <int>(threads))
  {
#pragma omp barrier
#pragma omp master
    begin = omp_get_wtime();
#pragma omp barrier
    work(static_cast<uint64_t>(omp_get_thread_num()));
#pragma omp barrier
#pragma omp master
    end = omp_get_wtime();
  }
  return end - begin;
}

double sherry::bench::measurePlainRead(uint64_t bytes, uint32_t threads,
                                       uint32_t repetitions) {
  const uint64_t part =
      std::max<uint64_t>(bytes / threads / kReadBytes, 1) * kReadBytes;
  const auto buffer = runtime::Mapping::hugePages(
      part * threads, "the buffer of the plain read");
  auto partOf = [&](uint64_t thread) {
    return reinterpret_cast<char *>(buffer.data()) + thread * part;
  };
  // Each thread writes the pages that it reads, so they are in its memory; not
  // with zeros, for which the system may use one shared page.
  timeTeam(threads, [&](uint64_t thread) {
    std::fill_n(partOf(thread), part, static_cast<char>(thread + 1));
  });
  double best = 0;
  for (ReadLoop read : getReadLoops()) {
    std::vector<double> seconds;
    for (uint32_t i = 0; i < repetitions; ++i)
      seconds.push_back(timeTeam(
          threads, [&](uint64_t thread) { read(partOf(thread), part); }));
    best = std::max(best, part * threads / summarize(seconds).median);
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Multiplying
//===----------------------------------------------------------------------===//

MultiplyPeak sherry::bench::measureMultiplyPeak(uint32_t threads,
                                                uint32_t repetitions) {
  const MultiplyLoop loop = getMultiplyLoop();
  constexpr uint64_t rounds = 2000000;
  std::vector<double> seconds;
  // Enough runs for an idle CPU to reach its full clock.
  for (uint32_t i = 0; i < repetitions + 20; ++i)
    seconds.push_back(timeTeam(threads, [&](uint64_t) { loop.run(rounds); }));
  return {loop.instruction, static_cast<double>(rounds) * loop.products *
                                threads / summarize(seconds).least};
}
