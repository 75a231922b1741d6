//===- Nfa.h - Regular sets of byte strings ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_NFA_H
#define SHERRY_GRAMMAR_NFA_H

#include "Builder.h"

namespace sherry::grammar {

/// The work that compiling a schema may take, so that it ends within a tenth of
/// a second.
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

/// The number of characters that a string may have.
struct Lengths {
  uint32_t min = 0, max = kNoLimit;
  bool any() const { return min == 0 && max == kNoLimit; }
};

/// A nondeterministic automaton.
class Nfa {
public:
  explicit Nfa(Budget &budget) : budget(budget) {}

  /// Adds a state. `inside`: bytes have begun a character that is not complete.
  uint32_t add(bool inside = false);
  void addEdge(uint32_t from, uint8_t low, uint8_t high, uint32_t to) {
    budget.spend(1);
    states[from].edges.push_back({low, high, to});
  }
  void addEmpty(uint32_t from, uint32_t to) {
    budget.spend(1);
    states[from].empty.push_back(to);
  }
  /// Adds a path of the bytes of `text` from a state to another.
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

/// A deterministic automaton, in which each state leads to an end.
class Dfa {
public:
  /// The strings from `start` to `accept` with `lengths` characters. Throws
  /// Refusal if there are none, or if they need too many states.
  Dfa(const Nfa &nfa, uint32_t start, uint32_t accept, Lengths lengths);

  /// Adds states of a program that accept the same strings, and then `end`, and
  /// return; if `end` is null, they return as soon as they can. Returns the
  /// first state.
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
