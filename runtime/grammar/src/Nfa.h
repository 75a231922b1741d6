//===- Nfa.h - Regular sets of byte strings ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_NFA_H
#define SHERRY_GRAMMAR_NFA_H

#include "Builder.h"

namespace sherry::grammar {

/// Work that compiling a schema may take, so that it ends within a tenth of a
/// second.
class Budget {
public:
  /// Throws Refusal if it is spent.
  void spend(size_t steps) {
    if (steps > left)
      throw Refusal("takes too long to compile; make it simpler");
    left -= steps;
  }

private:
  size_t left = 2'000'000;
};

/// How many characters a string may have.
struct Lengths {
  uint32_t min = 0, max = kNoLimit;
  bool any() const { return min == 0 && max == kNoLimit; }
};

/// An automaton that may be in several states.
class Nfa {
public:
  explicit Nfa(Budget &budget) : budget(budget) {}

  /// A new state; `inside`: bytes have begun a character that is not complete.
  uint32_t add(bool inside = false);
  void addEdge(uint32_t from, uint8_t low, uint8_t high, uint32_t to) {
    budget.spend(1);
    states[from].edges.push_back({low, high, to});
  }
  void addEmpty(uint32_t from, uint32_t to) {
    budget.spend(1);
    states[from].empty.push_back(to);
  }
  /// Adds the way of `text` from a state to another.
  void addText(uint32_t from, std::string_view text, uint32_t to);

private:
  friend class Dfa;
  struct Node {
    std::vector<Edge> edges;
    std::vector<uint32_t> empty;
    bool inside;
  };
  Budget &budget;
  std::vector<Node> states;
};

/// An automaton that is in one state, and from each state can come to an end.
class Dfa {
public:
  /// What leads from `start` to `accept`, with so many characters. Throws
  /// Refusal if nothing does, or if it needs too many states.
  Dfa(const Nfa &nfa, uint32_t start, uint32_t accept, Lengths lengths);

  /// Makes states of it that end by returning after `end`; if `end` is null, as
  /// soon as they can. Returns the first.
  StateId emit(Builder &builder, const char *end) const;

  struct Node {
    std::vector<Edge> edges;
    bool accepts = false;
  };
  const std::vector<Node> &nodes() const { return all; } ///< the first: 0

private:
  class Construction;
  void trim();
  std::vector<Node> all;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_NFA_H
