//===- RopeScaling.h - The LLaMA-3 rule for rope ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_ROPESCALING_H
#define SHERRY_SUPPORT_ROPESCALING_H

#include <algorithm>
#include <cmath>

namespace sherry {

/// Stretches a frequency by the rule of `#sherry.llama3_rope` (Hugging Face
/// transformers, rope type `llama3`).
inline double stretchRopeFrequency(double frequency, double factor,
                                   double lowFreqFactor, double highFreqFactor,
                                   double originalContext) {
  double wavelength = 2 * M_PI / frequency;
  double turns = originalContext / wavelength;
  // 0 up to low_freq_factor turns in the original context, 1 from
  // high_freq_factor turns on.
  double keep = std::clamp(
      (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor), 0.0, 1.0);
  return (1 - keep) * frequency / factor + keep * frequency;
}

} // namespace sherry

#endif // SHERRY_SUPPORT_ROPESCALING_H
