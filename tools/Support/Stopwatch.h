//===- Stopwatch.h - Measures time ------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_STOPWATCH_H
#define SHERRY_TOOLS_SUPPORT_STOPWATCH_H

#include <chrono>

namespace sherry {

/// Measures the seconds since its construction.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_STOPWATCH_H
