//===- Sampler.cpp - Picks the next token ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sampler.h"
#include "X86/Logits.h"
#include "sherry/support/Error.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <map>

using namespace sherry::runtime;

static constexpr uint32_t defaultLastN = 64;
/// Logits of a block; see scan().
static constexpr uint32_t blockSize = 128;

Sampler::Sampler(const sherry_sampler_options &options)
    : options(options), generator(options.seed) {
  if (!(options.temperature >= 0 && std::isfinite(options.temperature)))
    throw Error("the temperature must be 0 or more");
  if (!(options.top_p > 0 && options.top_p <= 1))
    throw Error("top-p must be above 0 and at most 1");
  if (!(options.min_p >= 0 && options.min_p <= 1))
    throw Error("min-p must be from 0 to 1");
  if (!(options.typical_p >= 0 && options.typical_p <= 1))
    throw Error("typical-p must be from 0 to 1");
  if (!(options.repetition_penalty >= 0 &&
        std::isfinite(options.repetition_penalty)))
    throw Error("the repetition penalty must be 0 or more");
  if (!std::isfinite(options.presence_penalty) ||
      !std::isfinite(options.frequency_penalty))
    throw Error("penalties must be finite");
  for (size_t i = 0; i < options.n_biases; ++i) {
    const sherry_logit_bias &bias = options.biases[i];
    if (bias.token < 0 || std::isnan(bias.bias) || bias.bias == HUGE_VALF)
      throw Error("the bias of token " + std::to_string(bias.token) +
                  " must be a number below infinity, and the token 0 or more");
    biases.push_back(bias);
  }
  this->options.biases = nullptr;
  if (options.penalty_last_n == 0)
    this->options.penalty_last_n = defaultLastN;
}

void Sampler::accept(int32_t token) {
  if (token < 0)
    return recent.clear();
  recent.push_back(token);
  if (recent.size() > options.penalty_last_n)
    recent.pop_front();
}

/// The logits with biases, penalties and mask; the logits themselves if there
/// is nothing to change.
const float *Sampler::adjust(const float *logits, uint32_t n,
                             const uint32_t *mask) {
  const float repetition = options.repetition_penalty;
  const bool penalizes =
      !recent.empty() &&
      ((repetition != 0 && repetition != 1) || options.presence_penalty != 0 ||
       options.frequency_penalty != 0);
  if (biases.empty() && !penalizes && !mask)
    return logits;
  adjusted.assign(logits, logits + n);
  for (const sherry_logit_bias &bias : biases)
    if (static_cast<uint32_t>(bias.token) < n)
      adjusted[bias.token] += bias.bias;
  if (mask)
    for (uint32_t i = 0; i < n; ++i)
      if (!(mask[i / 32] >> i % 32 & 1))
        adjusted[i] = -HUGE_VALF;
  if (!penalizes)
    return adjusted.data();
  std::map<int32_t, int> counts;
  for (int32_t token : recent)
    ++counts[token];
  for (const auto &[token, count] : counts) {
    if (static_cast<uint32_t>(token) >= n)
      continue;
    float &logit = adjusted[token];
    if (repetition != 0)
      logit = logit > 0 ? logit / repetition : logit * repetition;
    logit -= options.presence_penalty +
             options.frequency_penalty * static_cast<float>(count);
  }
  return adjusted.data();
}

/// A total order, so that every algorithm gives the same result.
bool Sampler::isLikelier(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/// Finds the largest logit of each block. Returns false if a logit is NaN.
bool Sampler::scan(const float *logits, uint32_t n) {
  bool areNumbers = true;
  most.clear();
  for (uint32_t i = 0; i < n; i += blockSize) {
    bool areGood;
    most.push_back(
        findLargest(logits + i, std::min(blockSize, n - i), areGood));
    areNumbers &= areGood;
  }
  return areNumbers;
}

/// Makes the top_k likeliest tokens the candidates, the likeliest first;
/// without top_k all possible tokens, by id. To be called after scan().
void Sampler::collect(const float *logits, uint32_t n) {
  const bool isLimited = options.top_k > 0;
  candidates.clear();
  for (uint32_t i = 0; i < n; ++i) {
    // Most blocks have no token that is likelier than the least likely
    // candidate. Of two equal logits, the first counts as likelier.
    if (isLimited && i % blockSize == 0 && candidates.size() == options.top_k &&
        most[i / blockSize] <= candidates.front().logit) {
      i += blockSize - 1;
      continue;
    }
    if (logits[i] == -HUGE_VALF)
      continue;
    const Candidate candidate = {std::min(logits[i], FLT_MAX),
                                 static_cast<int32_t>(i), 0};
    // A heap with the least likely candidate in front, which few tokens
    // displace.
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
  const double total = totalWeight();
  // A heap, because mostly few of many candidates are kept.
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

double Sampler::totalWeight() const {
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  return total;
}

void Sampler::keepMinP() {
  double most = 0;
  for (const Candidate &candidate : candidates)
    most = std::max(most, candidate.weight);
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                  [&](const Candidate &candidate) {
                                    return candidate.weight <
                                           options.min_p * most;
                                  }),
                   candidates.end());
}

void Sampler::keepTypical() {
  const double total = totalWeight();
  double entropy = 0;
  for (const Candidate &candidate : candidates)
    if (candidate.weight > 0)
      entropy -= candidate.weight / total * std::log(candidate.weight / total);
  // A token whose probability is rounded to 0 is the least typical.
  auto distance = [&](const Candidate &candidate) {
    return candidate.weight > 0
               ? std::fabs(-std::log(candidate.weight / total) - entropy)
               : HUGE_VAL;
  };
  std::sort(candidates.begin(), candidates.end(),
            [&](const Candidate &a, const Candidate &b) {
              const double x = distance(a), y = distance(b);
              return x != y ? x < y : isLikelier(a, b);
            });
  double kept = 0;
  size_t count = 0;
  while (count < candidates.size() && kept < options.typical_p * total)
    kept += candidates[count++].weight;
  candidates.resize(std::max<size_t>(count, 1));
}

int32_t Sampler::sample(const float *given, uint32_t n, const uint32_t *mask) {
  const float *logits = adjust(given, n, mask);
  if (!scan(logits, n))
    throw Error(
        "the model's logits are not numbers; if the weights of its checkpoint "
        "are, its activations leave the range of a 16-bit type: compile it "
        "with a cache of i8 or f32, or with activations of f32");
  const auto block = std::max_element(most.begin(), most.end());
  if (block == most.end() || *block == -HUGE_VALF)
    throw Error("no token is possible: biases or the mask forbid all of them");
  const float *begin = logits + (block - most.begin()) * blockSize;
  const auto best =
      static_cast<int32_t>(std::find(begin, logits + n, *block) - logits);
  if (options.temperature == 0)
    return best;

  const float largest = std::min(*block, FLT_MAX);
  collect(logits, n);
  for (Candidate &candidate : candidates)
    candidate.weight =
        std::exp((double{candidate.logit} - largest) / options.temperature);
  if (options.top_p < 1)
    keepTopP();
  if (options.min_p > 0)
    keepMinP();
  if (options.typical_p > 0 && options.typical_p < 1)
    keepTypical();

  const double total = totalWeight();
  // 53 random bits: a double in [0, 1).
  double left = static_cast<double>(generator() >> 11) * 0x1p-53 * total;
  for (const Candidate &candidate : candidates)
    if ((left -= candidate.weight) < 0)
      return candidate.token;
  return best; // by rounding, left may end at 0
}
