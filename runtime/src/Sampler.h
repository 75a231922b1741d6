//===- Sampler.h - Picks the next token -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy, temperature, top-k and top-p sampling, the same on every platform for
// the same seed: generator and order of sums are fixed here.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SAMPLER_H
#define SHERRY_RUNTIME_SAMPLER_H

#include "sherry/sherry.h"

#include <random>
#include <vector>

namespace sherry::runtime {

class Sampler {
public:
  /// Throws Error if an option is out of range.
  explicit Sampler(const sherry_sampler_options &options);

  /// Picks a token by its logits [n]. NaN counts as impossible; throws Error if
  /// nothing is possible.
  int32_t sample(const float *logits, uint32_t n);

private:
  struct Candidate {
    float logit;
    int32_t token;
    double weight; ///< in proportion to the probability
  };
  static bool isLikelier(const Candidate &a, const Candidate &b);
  void collect(const float *logits, uint32_t n);
  void keepTopP();

  sherry_sampler_options options;
  std::mt19937_64 generator;
  std::vector<Candidate> candidates; ///< kept for its memory
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SAMPLER_H
