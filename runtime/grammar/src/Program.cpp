//===- Program.cpp - Stack depths of an automaton -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Program.h"

#include <string>

using namespace sherry::grammar;

namespace {

constexpr uint8_t kNever = kMaxDepth + 1;

/// The predecessors of each state, as lists in one vector.
class Predecessors {
public:
  Predecessors(const std::vector<State> &states, const std::vector<Edge> &edges,
               const std::vector<StateId> &targets)
      : begins(states.size() + 2) {
    forEach(states, edges, targets,
            [&](StateId, StateId to) { ++begins[to + 2]; });
    for (size_t i = 2; i < begins.size(); ++i)
      begins[i] += begins[i - 1];
    lists.resize(begins.back());
    // Fills the lists; afterwards begins[to] is the beginning of a list.
    forEach(states, edges, targets,
            [&](StateId from, StateId to) { lists[begins[to + 1]++] = from; });
  }

  template <typename Function>
  void of(StateId state, const Function &function) const {
    for (uint32_t i = begins[state]; i < begins[state + 1]; ++i)
      function(lists[i]);
  }

private:
  template <typename Function>
  static void
  forEach(const std::vector<State> &states, const std::vector<Edge> &edges,
          const std::vector<StateId> &targets, const Function &function) {
    for (StateId id = 0; id < states.size(); ++id) {
      const State &state = states[id];
      switch (state.op) {
      case Op::Return:
        break;
      case Op::Bytes:
        for (uint32_t i = state.first; i < state.second; ++i)
          function(id, edges[i].target);
        break;
      case Op::Fork:
        for (uint32_t i = state.first; i < state.second; ++i)
          function(id, targets[i]);
        break;
      case Op::Call:
      case Op::Loop:
        function(id, state.first);
        function(id, state.second);
        break;
      }
    }
  }

  std::vector<uint32_t> begins;
  std::vector<StateId> lists;
};

/// Whether `state` reaches its return in `depth` frames; of Bytes and Fork one
/// successor is known to.
bool returnsWithin(const State &state, const std::vector<uint8_t> &needs,
                   unsigned depth) {
  const bool calls =
      state.op == Op::Call || (state.op == Op::Loop && state.min > 0);
  if (calls && needs[state.first] + 1u > depth)
    return false;
  return state.op == Op::Bytes || state.op == Op::Fork ||
         needs[state.second] <= depth;
}

} // namespace

Program::Program(std::vector<State> states, std::vector<Edge> edges,
                 std::vector<StateId> targets, StateId start, StateId character)
    : states(std::move(states)), allEdges(std::move(edges)),
      targets(std::move(targets)), startState(start),
      characterState(character) {
  computeNeeds();
  if (needs[start] > kMaxDepth)
    throw Refusal("no answer of at most " + std::to_string(kMaxDepth) +
                  " values within each other is valid");
}

size_t Program::size() const {
  return states.size() * (sizeof(State) + 1) + allEdges.size() * sizeof(Edge) +
         targets.size() * sizeof(StateId);
}

// For each depth in turn, finds the states that reach their return within it,
// backwards from those that are known to.
void Program::computeNeeds() {
  needs.assign(states.size(), kNever);
  const Predecessors predecessors(states, allEdges, targets);
  std::vector<StateId> reached, work = {kReturn};
  needs[kReturn] = 0;
  for (unsigned depth = 0; depth <= kMaxDepth; ++depth) {
    reached.clear();
    while (!work.empty()) {
      const StateId state = work.back();
      work.pop_back();
      reached.push_back(state);
      predecessors.of(state, [&](StateId before) {
        if (needs[before] != kNever ||
            !returnsWithin(states[before], needs, depth))
          return;
        needs[before] = static_cast<uint8_t>(depth);
        work.push_back(before);
      });
    }
    // States that call them need one frame more.
    for (const StateId state : reached)
      predecessors.of(state, [&](StateId before) {
        if (depth == kMaxDepth || needs[before] != kNever ||
            !returnsWithin(states[before], needs, depth + 1))
          return;
        needs[before] = static_cast<uint8_t>(depth + 1);
        work.push_back(before);
      });
  }
}
