//===- Sampler.h - Picks the next token -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy sampling, and sampling by temperature from the tokens that the options
// keep. The same seed gives the same tokens on every platform: the generator
// and the order of sums are fixed here.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SAMPLER_H
#define SHERRY_RUNTIME_SAMPLER_H

#include "sherry/sherry.h"

#include <deque>
#include <random>
#include <vector>

namespace sherry::runtime {

class Sampler {
public:
  /// Throws Error if an option is out of range.
  explicit Sampler(const sherry_sampler_options &options);
  /// Does not copy memory that is only kept for reuse.
  Sampler(const Sampler &other)
      : options(other.options), generator(other.generator),
        biases(other.biases), recent(other.recent) {}

  /// Picks a token by the logits [n], among the tokens whose bits are set in
  /// `mask` [(n + 31) / 32], or among all if `mask` is null. Throws Error if a
  /// logit is NaN, or if no token is possible.
  int32_t sample(const float *logits, uint32_t n, const uint32_t *mask);

  /// Remembers a token for the penalties; if `token` is negative, forgets all.
  void accept(int32_t token);

private:
  struct Candidate {
    float logit;
    int32_t token;
    double weight; ///< in proportion to the probability
  };
  static bool isLikelier(const Candidate &a, const Candidate &b);
  bool scan(const float *logits, uint32_t n);
  void collect(const float *logits, uint32_t n);
  const float *adjust(const float *logits, uint32_t n, const uint32_t *mask);
  double totalWeight() const;
  void keepTopP();
  void keepMinP();
  void keepTypical();

  sherry_sampler_options options;
  std::mt19937_64 generator;
  std::vector<Candidate> candidates; ///< a member to reuse its memory
  std::vector<float> adjusted;       ///< a member to reuse its memory
  std::vector<float> most;           ///< the largest logit of each block
  std::vector<sherry_logit_bias> biases;
  std::deque<int32_t> recent;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SAMPLER_H
