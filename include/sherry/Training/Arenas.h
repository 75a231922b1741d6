//===- Arenas.h - Schedule of the residual path -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In training a layer computes Y = X Q(W)^T + lambda X W^T (Arenas, arXiv
// 2601.07892). Lambda is a function of the number of optimizer steps so far, so
// it does not depend on batches, accumulation or interruptions.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_ARENAS_H
#define SHERRY_TRAINING_ARENAS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace sherry::training {

/// With p = done / steps and u = (p - warmup) / (end - warmup), lambda is
///   maximum * p / warmup    for p < warmup,
///   maximum * shape(u)      for warmup <= p < end,
///   exactly 0               for p >= end, and after the last step.
/// The shapes are
///   linear       1 - u
///   cosine       (1 + cos(pi u)) / 2
///   exponential  (exp(-5 u) - exp(-5)) / (1 - exp(-5))
///   constant     1
/// and the shape `none` is 0 everywhere.
class Arenas {
public:
  enum class Schedule { None, Linear, Cosine, Exponential, Constant };

  /// 0 <= warmup <= end <= 1; steps > 0.
  Arenas(Schedule schedule, double warmup, double maximum, double end,
         int64_t steps)
      : schedule(schedule), warmup(warmup), maximum(maximum), end(end),
        steps(steps) {}

  static std::optional<Schedule> parseSchedule(llvm::StringRef name);

  /// Lambda of the step that follows `done` steps.
  double getLambda(int64_t done) const;

private:
  Schedule schedule;
  double warmup, maximum, end;
  int64_t steps;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_ARENAS_H
