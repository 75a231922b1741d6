//===- Sampler.cpp - Picks the next token ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sampler.h"
#include "Support.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace sherry::runtime;

Sampler::Sampler(const sherry_sampler_options &options)
    : options(options), generator(options.seed) {
  if (!(options.temperature >= 0 && std::isfinite(options.temperature)))
    throw Error("the temperature must be 0 or more");
  if (!(options.top_p > 0 && options.top_p <= 1))
    throw Error("top-p must be above 0 and at most 1");
}

/// A total order, so that every way to sort gives the same.
bool Sampler::isLikelier(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/// Makes the top_k likeliest tokens the candidates, likeliest first; without
/// top_k all that are possible, by id.
void Sampler::collect(const float *logits, uint32_t n) {
  const bool isLimited = options.top_k > 0;
  candidates.clear();
  for (uint32_t i = 0; i < n; ++i) {
    if (!(logits[i] > -HUGE_VALF)) // also NaN
      continue;
    const Candidate candidate = {std::min(logits[i], FLT_MAX),
                                 static_cast<int32_t>(i), 0};
    // A heap with the least likely in front, which few can displace.
    if (isLimited && candidates.size() == options.top_k) {
      if (!isLikelier(candidate, candidates.front()))
        continue;
      std::pop_heap(candidates.begin(), candidates.end(), isLikelier);
      candidates.pop_back();
    }
    candidates.push_back(candidate);
    if (isLimited)
      std::push_heap(candidates.begin(), candidates.end(), isLikelier);
  }
  if (isLimited)
    std::sort_heap(candidates.begin(), candidates.end(), isLikelier);
}

/// Keeps the likeliest candidates that together reach top_p, likeliest first.
void Sampler::keepTopP() {
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  // A heap: mostly few of many candidates are kept.
  auto isLess = [](const Candidate &a, const Candidate &b) {
    return isLikelier(b, a);
  };
  std::make_heap(candidates.begin(), candidates.end(), isLess);
  double kept = 0;
  auto rest = candidates.end();
  while (rest != candidates.begin() && kept < options.top_p * total) {
    std::pop_heap(candidates.begin(), rest, isLess);
    kept += (--rest)->weight;
  }
  candidates.erase(candidates.begin(), rest);
  std::reverse(candidates.begin(), candidates.end());
}

int32_t Sampler::sample(const float *logits, uint32_t n) {
  // The first of the largest; no comparison with NaN is true.
  int32_t best = -1;
  float largest = -HUGE_VALF;
  for (uint32_t i = 0; i < n; ++i)
    if (logits[i] > largest) {
      largest = logits[i];
      best = static_cast<int32_t>(i);
    }
  if (best < 0)
    throw Error("the model's logits are not numbers; its weights or the "
                "computation are broken");
  if (options.temperature == 0)
    return best;

  largest = std::min(largest, FLT_MAX);
  collect(logits, n);
  for (Candidate &candidate : candidates)
    candidate.weight =
        std::exp((double{candidate.logit} - largest) / options.temperature);
  if (options.top_p < 1)
    keepTopP();

  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  // 53 random bits: a double in [0, 1).
  double left = static_cast<double>(generator() >> 11) * 0x1p-53 * total;
  for (const Candidate &candidate : candidates)
    if ((left -= candidate.weight) < 0)
      return candidate.token;
  return best; // by rounding, left may end at 0
}
