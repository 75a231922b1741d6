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

/// What becomes of a frequency by the rule that `#sherry.llama3_rope` describes
/// (Hugging Face transformers, rope type `llama3`).
inline double stretchRopeFrequency(double frequency, double factor,
                                   double lowFreqFactor, double highFreqFactor,
                                   double originalContext) {
  double wavelength = 2 * M_PI / frequency;
  double turns = originalContext / wavelength;
  // 0 below low_freq_factor turns in the original context, 1 above high.
  double keep = std::clamp(
      (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor), 0.0, 1.0);
  return (1 - keep) * frequency / factor + keep * frequency;
}

} // namespace sherry

#endif // SHERRY_SUPPORT_ROPESCALING_H
