//===- DraftPolicy.h - Chooses the number of drafted tokens -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A draft costs time, because its tokens make a block longer, and saves time by
// the tokens that are accepted. Both are estimated from measurements: the time
// of a block by its number of tokens, and the rate of acceptance by the length
// of the match. The estimates decide how many tokens are drafted; they never
// change an answer.
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
  /// The largest block that is measured; larger ones are not worth a draft.
  static constexpr size_t kMost = 64;

  /// Records that a block of `tokens` tokens, 1 to kMost, has taken `seconds`.
  void measure(size_t tokens, double seconds);
  /// The estimated seconds of a block, from measured blocks of about its size;
  /// 0 if there are none yet.
  double estimate(size_t tokens) const;
  /// The seconds of a block of `tokens` tokens if they grew as slowly as on a
  /// machine with wide vectors, from the measured size `known`.
  double hope(size_t tokens, size_t known) const;
  /// The largest size that is not too far from the measured ones.
  size_t most() const { return std::min(kMost, 2 * largest); }
  /// Whether about this size was never measured, or not for a long time.
  bool isOld(size_t tokens) const;

private:
  struct Entry {
    double ratio = 0; ///< seconds, divided by the expected ones
    uint64_t count = 0, time = 0;
  };
  double findRatio(size_t tokens) const;

  std::array<Entry, kMost + 1> entries;
  uint64_t now = 0;   ///< blocks that were measured
  size_t largest = 0; ///< of them
};

/// How often drafted tokens are accepted. For drafts from the text by the
/// length of the match, the number of equal tokens before; for drafts of a
/// model by the position of the token in the draft.
class Acceptance {
public:
  void observe(size_t match, bool isAccepted);
  /// Reduces the weight of earlier observations a little.
  void fade();
  /// The probability that the next token is accepted; `prior` counts as two
  /// observations.
  double probability(size_t match, double prior) const;
  /// The probability before any observation.
  static double expected(size_t match);

private:
  static size_t classOf(size_t match);

  struct Count {
    double accepted = 0, seen = 0; ///< older ones count less
  };
  std::array<Count, 8> counts;
};

/// The acceptance of drafts from the text and of drafts by a model.
struct AcceptanceBySource {
  Acceptance text, model;
  Acceptance &of(bool byModel) { return byModel ? model : text; }
  const Acceptance &of(bool byModel) const { return byModel ? model : text; }
};

/// Chooses the number of tokens to be drafted. It keeps an account of the time
/// that drafts have won and lost, in units of a block without drafts. Each
/// block adds a hundredth; a draft must not risk more than the account holds.
/// So drafts cost at most a hundredth of the time, plus five blocks, even if
/// the estimates are wrong.
class DraftPolicy {
public:
  void measure(size_t tokens, double seconds);

  /// The number of drafted tokens to add to a block of `decoding` other tokens.
  /// `probabilities`: of acceptance, in descending order. Drafting a token
  /// takes `seconds`.
  size_t choose(size_t decoding, const std::vector<double> &probabilities,
                double seconds = 0) const;
  /// Books the result of a block whose drafts took `seconds` to make.
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
