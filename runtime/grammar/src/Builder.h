//===- Builder.h - Makes automata ---------------------------------*- C++ -*-=//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_BUILDER_H
#define SHERRY_GRAMMAR_BUILDER_H

#include "Program.h"

#include <memory>
#include <string_view>

namespace sherry::grammar {

struct Place;

/// A schema cannot be compiled because of the ways in which an answer may go
/// on.
class ForkRefusal : public Refusal {
public:
  ForkRefusal(const Place *place, const char *problem)
      : Refusal(problem), place(place) {}
  const Place *place; ///< the schema that was being compiled
};

/// Builds a Program. Each function makes a state that leads to states that
/// exist already or are reserved. All throw Refusal if the automaton becomes
/// too large.
class Builder {
public:
  Builder();

  /// Later forks belong to `newPlace`.
  void setPlace(const Place *newPlace) { place = newPlace; }

  StateId bytes(const std::vector<Edge> &edges);
  StateId byte(char byte, StateId next) {
    return range(static_cast<uint8_t>(byte), static_cast<uint8_t>(byte), next);
  }
  StateId range(uint8_t low, uint8_t high, StateId next) {
    return bytes({{low, high, next}});
  }
  /// At least one byte.
  StateId literal(std::string_view text, StateId next);
  StateId fork(std::vector<StateId> targets);
  StateId call(StateId target, StateId next);
  StateId loop(StateId body, uint32_t min, uint32_t max, StateId next);

  /// A fork or a state of bytes that is defined later.
  StateId reserve() { return fork({}); }
  void define(StateId reserved, std::vector<StateId> targets);
  void defineBytes(StateId reserved, const std::vector<Edge> &edges);

  /// Moves all states into a program. Throws Refusal, and ForkRefusal if a fork
  /// leads to itself or has more than kMaxThreads targets.
  std::shared_ptr<const Program> finish(StateId start, StateId character);

private:
  struct Choice {
    const Place *place;
    std::vector<StateId> targets;
    enum { Raw, Active, Flat } status = Raw;
  };
  StateId add(const State &state);
  void addEdges(State &state, const std::vector<Edge> &edges);
  void countTargets(size_t count);
  void flatten(StateId fork);
  void replaceForks(Choice &choice) const;

  const Place *place = nullptr;
  size_t targetCount = 0;
  std::vector<State> states;
  std::vector<Edge> allEdges;
  std::vector<Choice> choices; ///< of forks; State::first is the index
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_BUILDER_H
