//===- DraftPolicy.h - How many tokens are drafted --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A draft costs the time by which its tokens make a block longer, and gives
// the tokens that are accepted. Both are estimated by what has been: times of
// blocks by their number of tokens, and how often the text went on as it had
// done before, by how much of it was the same. What time says decides how much
// is drafted, and never what is answered.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_DRAFTPOLICY_H
#define SHERRY_ENGINE_DRAFTPOLICY_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sherry::engine {

/// Seconds that a block takes, by its number of tokens, each with logits.
class BlockCosts {
public:
  /// Larger blocks are not worth a draft, and not measured.
  static constexpr size_t kMost = 64;

  /// A block of so many tokens, 1 to kMost, has taken so long.
  void measure(size_t tokens, double seconds);
  /// What such a block takes, by those of about its size; 0 if none was
  /// measured yet.
  double estimate(size_t tokens) const;
  /// What it would take were it as cheap as on a machine with wide vectors,
  /// by the cost of another size.
  double hope(size_t tokens, size_t known) const;
  /// Sizes beyond this are too far from what was measured.
  size_t most() const { return std::min(kMost, 2 * largest); }
  /// Whether the last measurement of about this size is long ago, or there was
  /// none.
  bool isOld(size_t tokens) const;

private:
  struct Entry {
    double ratio = 0; ///< seconds by the expected shape
    uint64_t count = 0, time = 0;
  };
  double findRatio(size_t tokens) const;

  std::array<Entry, kMost + 1> entries;
  uint64_t now = 0;   ///< blocks that were measured
  size_t largest = 0; ///< of them
};

/// How often a text goes on as it did after an earlier place, by how many
/// tokens before are the same; or as a model drafts it, by the token's place in
/// the draft.
class Acceptance {
public:
  void observe(size_t match, bool isAccepted);
  /// Lets what was seen count a little less.
  void fade();
  /// The probability for the next token; `prior` counts as two observations.
  double probability(size_t match, double prior) const;
  /// Of texts that nothing is known of.
  static double expected(size_t match);

private:
  static size_t classOf(size_t match);

  struct Count {
    double accepted = 0, seen = 0; ///< older ones count less
  };
  std::array<Count, 8> counts;
};

/// That of drafts from the text, and of those by a model.
struct AcceptanceBySource {
  Acceptance text, model;
  Acceptance &of(bool byModel) { return byModel ? model : text; }
  const Acceptance &of(bool byModel) const { return byModel ? model : text; }
};

/// Says how many tokens are to be drafted. It keeps an account of what drafts
/// have gained and lost, in blocks without drafts: each of these adds a
/// hundredth, and what is likely to be lost must be there. So drafts cost no
/// more than a hundredth of the time, and five blocks, whatever the estimates
/// say.
class DraftPolicy {
public:
  void measure(size_t tokens, double seconds);

  /// How many drafted tokens a block of `decoding` others takes, by the
  /// probabilities that they are accepted, the likeliest first. To draft each
  /// of them takes `seconds`.
  size_t choose(size_t decoding, const std::vector<double> &probabilities,
                double seconds = 0) const;
  /// What came of a block; to draft took `seconds`.
  void settle(size_t decoding, size_t drafted, size_t accepted,
              double seconds = 0);

private:
  double costOf(size_t decoding, size_t drafted, double seconds) const;

  BlockCosts costs;
  double account = kAtFirst;
  static constexpr double kAtFirst = 0.6, kAdded = 0.01, kSaved = 2, kMost = 4;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_DRAFTPOLICY_H
