//===- Program.h - An automaton over bytes with a stack ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// States that take a byte, and states that take none and say where to go on.
// Values within values are calls; what is repeated so and so often is counted
// in the frame of the call, never unrolled.
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
/// Frames that a stack may have: about as many values within each other.
inline constexpr uint32_t kMaxDepth = 64;
/// Ways that an answer may go on at one place, and that are followed together.
inline constexpr uint32_t kMaxThreads = 128;

/// Why something cannot be compiled; becomes a SchemaError.
class Refusal : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

enum class Op : uint8_t {
  Return, ///< goes on with the uppermost frame
  Bytes,  ///< takes a byte: edges [first, second), apart from each other
  Fork,   ///< goes on with all targets [first, second), none of them a Fork
  Call,   ///< goes on with `first`, and with `second` once that returns
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
  /// Takes what Builder has made. Throws Refusal if no answer ends.
  Program(std::vector<State> states, std::vector<Edge> edges,
          std::vector<StateId> targets, StateId start, StateId character);

  const State &state(StateId id) const { return states[id]; }
  const Edge *edges(uint32_t at) const { return allEdges.data() + at; }
  StateId target(uint32_t at) const { return targets[at]; }
  StateId start() const { return startState; }
  /// The state before a character of a string that may have any.
  StateId character() const { return characterState; }
  /// Frames that are needed to get from a state to its return; more than
  /// kMaxDepth if it never gets there. A state is entered only where so many
  /// fit: no answer comes to where it cannot be completed.
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
