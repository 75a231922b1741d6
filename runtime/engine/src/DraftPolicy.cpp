//===- DraftPolicy.cpp - Chooses the number of drafted tokens -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/DraftPolicy.h"

#include <algorithm>
#include <cmath>

using namespace sherry::engine;

//===----------------------------------------------------------------------===//
// BlockCosts
//===----------------------------------------------------------------------===//

/// The number of blocks after which a measurement is old.
static constexpr uint64_t kOld = 256;

/// The assumed proportion of the times of blocks: reading the weights takes
/// four fifths of the time of one token.
static double shapeOf(size_t tokens) { return 4 + static_cast<double>(tokens); }

/// The ratio of a size, interpolated between measured sizes.
double BlockCosts::findRatio(size_t tokens) const {
  size_t below = tokens, above = tokens;
  while (below > 0 && entries[below].count == 0)
    --below;
  while (above <= kMost && entries[above].count == 0)
    ++above;
  if (below == 0)
    return above > kMost ? 0 : entries[above].ratio;
  if (above > kMost || above == below)
    return entries[below].ratio;
  const double part =
      static_cast<double>(tokens - below) / static_cast<double>(above - below);
  return entries[below].ratio +
         part * (entries[above].ratio - entries[below].ratio);
}

void BlockCosts::measure(size_t tokens, double seconds) {
  ++now;
  largest = std::max(largest, tokens);
  Entry &entry = entries[tokens];
  double ratio = seconds / shapeOf(tokens);
  // A block during which a thread lost its processor counts less.
  const double before = findRatio(tokens);
  if (before > 0)
    ratio = std::min(ratio, 2 * before);
  ++entry.count;
  const double age = static_cast<double>(now - entry.time);
  const double weight =
      std::max(1 - std::pow(0.875, age), 1 / static_cast<double>(entry.count));
  entry.ratio += weight * (ratio - entry.ratio);
  entry.time = now;
}

double BlockCosts::estimate(size_t tokens) const {
  return findRatio(tokens) * shapeOf(tokens);
}

double BlockCosts::hope(size_t tokens, size_t known) const {
  return findRatio(known) * shapeOf(tokens);
}

bool BlockCosts::isOld(size_t tokens) const {
  const size_t near = tokens / 4;
  return std::none_of(
      entries.begin() + static_cast<ptrdiff_t>(tokens - near),
      entries.begin() + static_cast<ptrdiff_t>(std::min(kMost, tokens + near)) +
          1,
      [&](const Entry &entry) {
        return entry.count > 0 && now - entry.time <= kOld;
      });
}

//===----------------------------------------------------------------------===//
// Acceptance
//===----------------------------------------------------------------------===//

/// Matches of 1, 2, 3, 4 to 5, 6 to 8, 9 to 16, 17 to 32 and more tokens.
size_t Acceptance::classOf(size_t match) {
  static constexpr size_t most[] = {1, 2, 3, 5, 8, 16, 32};
  return static_cast<size_t>(
      std::lower_bound(std::begin(most), std::end(most), match) -
      std::begin(most));
}

double Acceptance::expected(size_t match) {
  static constexpr double probabilities[] = {0.1, 0.25, 0.4,  0.5,
                                             0.6, 0.75, 0.85, 0.9};
  return probabilities[classOf(match)];
}

void Acceptance::observe(size_t match, bool isAccepted) {
  Count &count = counts[classOf(match)];
  constexpr double kept = 0.95;
  count.accepted = kept * count.accepted + (isAccepted ? 1 : 0);
  count.seen = kept * count.seen + 1;
}

void Acceptance::fade() {
  constexpr double kept = 0.998;
  for (Count &count : counts) {
    count.accepted *= kept;
    count.seen *= kept;
  }
}

double Acceptance::probability(size_t match, double prior) const {
  const Count &count = counts[classOf(match)];
  return (count.accepted + 2 * prior) / (count.seen + 2);
}

//===----------------------------------------------------------------------===//
// DraftPolicy
//===----------------------------------------------------------------------===//

void DraftPolicy::measure(size_t tokens, double seconds) {
  if (tokens > 0 && tokens <= BlockCosts::kMost)
    costs.measure(tokens, seconds);
}

/// The cost of a block with drafts, which took `seconds` to make, in units of
/// the block without drafts.
double DraftPolicy::costOf(size_t decoding, size_t drafted,
                           double seconds) const {
  return (costs.estimate(decoding + drafted) + seconds) /
         costs.estimate(decoding);
}

size_t DraftPolicy::choose(size_t decoding,
                           const std::vector<double> &probabilities,
                           double seconds) const {
  if (decoding == 0 || decoding >= costs.most() || probabilities.empty())
    return 0;
  const size_t most = std::min(probabilities.size(), costs.most() - decoding);
  const auto tokens = static_cast<double>(decoding);
  // A token that is certain to be accepted costs nothing.
  const double risk = 1 - probabilities.front();
  size_t best = 0, bestOld = 0;
  double gain = 1.02, gainOfOld = 1.02, expected = tokens;
  for (size_t count = 1; count <= most; ++count) {
    expected += probabilities[count - 1];
    const size_t size = decoding + count;
    const double taken = static_cast<double>(count) * seconds;
    const double cost = costOf(decoding, count, taken);
    const double hope =
        (costs.hope(size, decoding) + taken) / costs.estimate(decoding);
    const bool isOld = costs.isOld(size);
    if ((cost - 1) * risk > account ||
        (isOld ? std::min(cost, hope) : cost) - 1 > account + kMost)
      continue;
    if (expected / tokens > gain * cost) {
      best = count;
      gain = expected / tokens / cost;
    }
    if (isOld && expected / tokens > gainOfOld * hope) {
      bestOld = count;
      gainOfOld = expected / tokens / hope;
    }
  }
  // A size that was expensive long ago may be cheap now.
  return gainOfOld > 1.2 * gain || best == 0 ? bestOld : best;
}

void DraftPolicy::settle(size_t decoding, size_t drafted, size_t accepted,
                         double seconds) {
  if (decoding == 0 || decoding + drafted > BlockCosts::kMost)
    return;
  if (drafted == 0 && seconds == 0) {
    account = std::max(account, std::min(account + kAdded, kSaved));
    return;
  }
  const auto tokens = static_cast<double>(decoding);
  const double gain = (tokens + static_cast<double>(accepted)) / tokens -
                      costOf(decoding, drafted, seconds);
  account = std::min(account + gain + kAdded, kMost);
}
