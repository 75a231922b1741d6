//===- Builder.cpp - Makes automata ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Builder.h"

#include <algorithm>
#include <string>

using namespace sherry::grammar;

namespace {

// An automaton takes at most about 4 MB.
constexpr size_t kMaxStates = size_t{1} << 16;
constexpr size_t kMaxEdges = size_t{1} << 18;
constexpr size_t kMaxTargets = size_t{1} << 18;

} // namespace

Builder::Builder() { states.push_back({}); }

StateId Builder::add(const State &state) {
  if (states.size() >= kMaxStates)
    throw Refusal("takes more than " + std::to_string(kMaxStates) +
                  " states of the automaton; make it simpler");
  states.push_back(state);
  return static_cast<StateId>(states.size() - 1);
}

void Builder::addEdges(State &state, const std::vector<Edge> &edges) {
  if (allEdges.size() + edges.size() > kMaxEdges)
    throw Refusal("takes more than " + std::to_string(kMaxEdges) +
                  " edges of the automaton; make it simpler");
  state.op = Op::Bytes;
  state.first = static_cast<uint32_t>(allEdges.size());
  allEdges.insert(allEdges.end(), edges.begin(), edges.end());
  state.second = static_cast<uint32_t>(allEdges.size());
}

StateId Builder::bytes(const std::vector<Edge> &edges) {
  State state;
  addEdges(state, edges);
  return add(state);
}

StateId Builder::literal(std::string_view text, StateId next) {
  for (size_t i = text.size(); i-- > 0;)
    next = byte(text[i], next);
  return next;
}

void Builder::countTargets(size_t count) {
  targetCount += count;
  if (targetCount > kMaxTargets)
    throw Refusal("has too many choices; make it simpler");
}

StateId Builder::fork(std::vector<StateId> targets) {
  countTargets(targets.size());
  State state;
  state.op = Op::Fork;
  state.first = static_cast<uint32_t>(choices.size());
  choices.push_back({place, std::move(targets)});
  return add(state);
}

StateId Builder::call(StateId target, StateId next) {
  State state;
  state.op = Op::Call;
  state.first = target;
  state.second = next;
  return add(state);
}

StateId Builder::loop(StateId body, uint32_t min, uint32_t max, StateId next) {
  State state;
  state.op = Op::Loop;
  state.first = body;
  state.second = next;
  state.min = min;
  state.max = max;
  return add(state);
}

void Builder::define(StateId reserved, std::vector<StateId> targets) {
  countTargets(targets.size());
  choices[states[reserved].first].targets = std::move(targets);
}

void Builder::defineBytes(StateId reserved, const std::vector<Edge> &edges) {
  addEdges(states[reserved], edges);
}

// Flattens the targets of a fork first, with an explicit stack, because chains
// of $ref may be long.
void Builder::flatten(StateId fork) {
  std::vector<std::pair<uint32_t, size_t>> work = {{states[fork].first, 0}};
  while (!work.empty()) {
    auto &[index, next] = work.back();
    Choice &choice = choices[index];
    choice.status = Choice::Active;
    while (next < choice.targets.size() &&
           states[choice.targets[next]].op != Op::Fork)
      ++next;
    if (next == choice.targets.size()) {
      replaceForks(choice);
      work.pop_back();
      continue;
    }
    const uint32_t inner = states[choice.targets[next++]].first;
    if (choices[inner].status == Choice::Active)
      throw ForkRefusal(choice.place,
                        "leads to itself without a value between");
    if (choices[inner].status == Choice::Raw)
      work.emplace_back(inner, 0);
  }
}

void Builder::replaceForks(Choice &choice) const {
  std::vector<StateId> flat;
  const auto append = [&](StateId target) {
    if (std::find(flat.begin(), flat.end(), target) != flat.end())
      return;
    if (flat.size() == kMaxThreads)
      throw ForkRefusal(choice.place,
                        "lets the answer go on in more than 128 ways");
    flat.push_back(target);
  };
  for (const StateId target : choice.targets) {
    if (states[target].op != Op::Fork)
      append(target);
    else
      for (const StateId inner : choices[states[target].first].targets)
        append(inner);
  }
  choice.targets = std::move(flat);
  choice.status = Choice::Flat;
}

std::shared_ptr<const Program> Builder::finish(StateId start,
                                               StateId character) {
  std::vector<StateId> targets;
  for (StateId id = 0; id < states.size(); ++id)
    if (states[id].op == Op::Fork &&
        choices[states[id].first].status == Choice::Raw)
      flatten(id);
  for (State &state : states) {
    if (state.op != Op::Fork)
      continue;
    const std::vector<StateId> &flat = choices[state.first].targets;
    state.first = static_cast<uint32_t>(targets.size());
    targets.insert(targets.end(), flat.begin(), flat.end());
    state.second = static_cast<uint32_t>(targets.size());
  }
  return std::make_shared<const Program>(std::move(states), std::move(allEdges),
                                         std::move(targets), start, character);
}
