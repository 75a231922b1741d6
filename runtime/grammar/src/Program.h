//===- Program.h - An automaton over bytes with a stack ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program has states that take a byte, and states that take none and lead to
// others. Nested values are calls; bounded repetitions are counted in the frame
// of a call and never unrolled.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_PROGRAM_H
#define SHERRY_GRAMMAR_PROGRAM_H

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace sherry::grammar {

using StateId = uint32_t;
/// The state that returns from a call, or ends the answer.
inline constexpr StateId kReturn = 0;
inline constexpr uint32_t kNoLimit = UINT32_MAX;
/// The most frames of a stack, and about the most levels of nested values.
inline constexpr uint32_t kMaxDepth = 64;
/// The most threads: ways of an answer to go on, which are followed together.
inline constexpr uint32_t kMaxThreads = 128;

/// The reason why a schema cannot be compiled; becomes a SchemaError.
class Refusal : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

enum class Op : uint8_t {
  Return, ///< pops the uppermost frame and goes on there
  Bytes,  ///< takes a byte: edges [first, second), disjoint
  Fork,   ///< goes on with all targets [first, second), none a Fork
  Call,   ///< goes on with `first`, and after its return with `second`
  Loop,   ///< calls `first` from `min` to `max` times, then `second`
};

struct State {
  Op op = Op::Return;
  uint32_t first = 0, second = 0;
  uint32_t min = 0, max = 0;
};

struct Edge {
  uint8_t low, high; ///< bytes, both included
  StateId target;
};

class Program {
public:
  /// The arguments come from Builder. Throws Refusal if no answer ends.
  Program(std::vector<State> states, std::vector<Edge> edges,
          std::vector<StateId> targets, StateId start, StateId character);

  const State &state(StateId id) const { return states[id]; }
  const Edge *edges(uint32_t at) const { return allEdges.data() + at; }
  StateId target(uint32_t at) const { return targets[at]; }
  StateId start() const { return startState; }
  /// The state before a character of a string without restrictions.
  StateId character() const { return characterState; }
  /// The number of frames that a state needs to reach its return; more than
  /// kMaxDepth if it never does. A state is entered only if so many frames are
  /// free, so every answer can be completed.
  uint8_t need(StateId id) const { return needs[id]; }
  size_t size() const;

private:
  void computeNeeds();

  std::vector<State> states;
  std::vector<Edge> allEdges;
  std::vector<StateId> targets;
  std::vector<uint8_t> needs;
  StateId startState, characterState;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_PROGRAM_H
