//===- Numbers.cpp - Numbers of JSON --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

#include <algorithm>

using namespace sherry::grammar;

namespace {

// Numbers of at most 42 characters, which fit in a double.
constexpr char kAnyNumber[] =
    "^-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?$";
/// The most digits after the point of numbers with limits: with kMaxExcluded
/// before the point, a double still distinguishes the number from its limit.
constexpr unsigned kMaxFraction = 6;
constexpr int64_t kMaxExcluded = 1'000'000'000;

class NumberWays {
public:
  NumberWays(Nfa &nfa, uint32_t to) : nfa(nfa), to(to) {}

  /// Whole numbers from `low` to `high`, followed by `rest`.
  void addWhole(uint32_t from, uint64_t low, uint64_t high, uint32_t rest) {
    std::string first = std::to_string(low);
    const std::string last = std::to_string(high);
    for (; first.size() < last.size();
         first = "1" + std::string(first.size(), '0'))
      addSameLength(from, first, std::string(first.size(), '9'), rest);
    addSameLength(from, first, last, rest);
  }

  /// Numbers from `low` to `high`, with a fraction.
  void addDecimal(uint32_t from, uint64_t low, bool excludesLow, uint64_t high,
                  bool excludesHigh) {
    if (low < high) {
      const uint32_t any = nfa.add();
      addFraction(any, '0', '9');
      nfa.addEmpty(any, to);
      if (excludesLow) {
        const uint32_t more = nfa.add();
        addWhole(from, low, low, more);
        addNonzeroFraction(more);
      } else {
        addWhole(from, low, low, any);
      }
      if (low + 1 < high)
        addWhole(from, low + 1, high - 1, any);
    }
    if (excludesHigh || (low == high && excludesLow))
      return;
    const uint32_t zero = nfa.add();
    addFraction(zero, '0', '0');
    nfa.addEmpty(zero, to);
    addWhole(from, high, high, zero);
  }

private:
  void addSameLength(uint32_t from, const std::string &low,
                     const std::string &high, uint32_t rest) {
    if (low > high)
      return;
    // Whether the digits so far equal those of both limits, of one limit, or
    // lie between.
    enum { Both, Low, High, Free };
    constexpr uint32_t none = UINT32_MAX;
    uint32_t now[] = {from, none, none, none};
    for (size_t i = 0; i < low.size(); ++i) {
      uint32_t next[] = {none, none, none, none};
      const auto add = [&](unsigned which, char first, char last, unsigned to) {
        if (now[which] == none || first > last)
          return;
        if (next[to] == none)
          next[to] = i + 1 == low.size() ? rest : nfa.add();
        nfa.addEdge(now[which], first, last, next[to]);
      };
      if (low[i] == high[i]) {
        add(Both, low[i], low[i], Both);
      } else {
        add(Both, low[i], low[i], Low);
        add(Both, low[i] + 1, high[i] - 1, Free);
        add(Both, high[i], high[i], High);
      }
      add(Low, low[i], low[i], Low);
      add(Low, low[i] + 1, '9', Free);
      add(High, '0', high[i] - 1, Free);
      add(High, high[i], high[i], High);
      add(Free, '0', '9', Free);
      std::copy(next, next + 4, now);
    }
  }

  /// A point and digits of a range.
  void addFraction(uint32_t from, char low, char high) {
    uint32_t last = nfa.add();
    nfa.addEdge(from, '.', '.', last);
    for (unsigned i = 0; i < kMaxFraction; ++i) {
      const uint32_t next = nfa.add();
      nfa.addEdge(last, low, high, next);
      nfa.addEmpty(next, to);
      last = next;
    }
  }

  /// A point, zeros, a nonzero digit and any digits.
  void addNonzeroFraction(uint32_t from) {
    uint32_t zeros = nfa.add();
    nfa.addEdge(from, '.', '.', zeros);
    uint32_t other = UINT32_MAX;
    for (unsigned i = 0; i < kMaxFraction; ++i) {
      const uint32_t next = nfa.add(), nextZeros = nfa.add();
      nfa.addEdge(zeros, '1', '9', next);
      nfa.addEdge(zeros, '0', '0', nextZeros);
      if (other != UINT32_MAX)
        nfa.addEdge(other, '0', '9', next);
      nfa.addEmpty(next, to);
      zeros = nextZeros;
      other = next;
    }
  }

  Nfa &nfa;
  uint32_t to;
};

/// The magnitude of a number, also of INT64_MIN.
uint64_t magnitude(int64_t number) {
  return number < 0 ? 0 - static_cast<uint64_t>(number)
                    : static_cast<uint64_t>(number);
}

Dfa buildLimited(const NumberShape &shape, Budget &budget) {
  const int64_t most = shape.whole ? INT64_MAX : 999'999'999'999'999'999;
  const int64_t min = shape.min.value_or(shape.whole ? INT64_MIN : -most);
  const int64_t max = shape.max.value_or(most);
  if ((shape.excludesMin && magnitude(min) > kMaxExcluded) ||
      (shape.excludesMax && magnitude(max) > kMaxExcluded))
    throw Refusal("is supported up to " + std::to_string(kMaxExcluded) +
                  " for numbers that need not be whole");
  if (min > max)
    throw Refusal("no number is so large and so small");
  Nfa nfa(budget);
  const uint32_t start = nfa.add(), accept = nfa.add();
  NumberWays ways(nfa, accept);
  const uint32_t minus = nfa.add();
  if (min < 0)
    nfa.addEdge(start, '-', '-', minus);
  if (shape.whole) {
    if (max >= 0)
      ways.addWhole(start, std::max<int64_t>(min, 0), max, accept);
    if (min < 0)
      ways.addWhole(minus, max < 0 ? magnitude(max) : 1, magnitude(min),
                    accept);
  } else {
    if (max >= 0)
      ways.addDecimal(start, std::max<int64_t>(min, 0),
                      min >= 0 && shape.excludesMin, max, shape.excludesMax);
    if (min < 0)
      ways.addDecimal(minus, max <= 0 ? magnitude(max) : 0,
                      max <= 0 && shape.excludesMax, magnitude(min),
                      shape.excludesMin);
  }
  return Dfa(nfa, start, accept, {});
}

} // namespace

StateId JsonStates::number(const NumberShape &shape) {
  const bool limited = shape.min || shape.max;
  std::optional<StateId> &any = shape.whole ? anyWhole : anyNumber;
  if (!limited && any)
    return *any;
  const Dfa dfa = limited || shape.whole
                      ? buildLimited(shape, budget)
                      : compilePattern(kAnyNumber, {}, budget);
  const StateId state = dfa.emit(builder, nullptr);
  if (!limited)
    any = state;
  return state;
}
