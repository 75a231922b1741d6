//===- Arenas.cpp - Schedule of the residual path -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Arenas.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>

using namespace llvm;
using namespace sherry::training;

std::optional<Arenas::Schedule> Arenas::parseSchedule(StringRef name) {
  return StringSwitch<std::optional<Schedule>>(name)
      .Case("none", Schedule::None)
      .Case("linear", Schedule::Linear)
      .Case("cosine", Schedule::Cosine)
      .Case("exponential", Schedule::Exponential)
      .Case("constant", Schedule::Constant)
      .Default(std::nullopt);
}

double Arenas::getLambda(int64_t done) const {
  double progress = static_cast<double>(done) / static_cast<double>(steps);
  if (schedule == Schedule::None || progress >= end || done >= steps)
    return 0;
  if (progress < warmup)
    return maximum * progress / warmup;
  double u = (progress - warmup) / (end - warmup);
  switch (schedule) {
  case Schedule::Linear:
    return maximum * (1 - u);
  case Schedule::Cosine:
    return maximum * (1 + std::cos(M_PI * u)) / 2;
  case Schedule::Exponential: {
    constexpr double rate = 5;
    return maximum * (std::exp(-rate * u) - std::exp(-rate)) /
           (1 - std::exp(-rate));
  }
  case Schedule::Constant:
    return maximum;
  case Schedule::None:
    break;
  }
  llvm_unreachable("unknown schedule");
}
