//===- Nfa.cpp - Regular sets of byte strings -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Nfa.h"

#include <algorithm>
#include <map>
#include <string>

using namespace sherry::grammar;

namespace {

constexpr size_t kMaxNfaStates = 50'000;
constexpr size_t kMaxDfaStates = 10'000;

} // namespace

uint32_t Nfa::add(bool inside) {
  if (states.size() >= kMaxNfaStates)
    throw Refusal("is too large; make it simpler");
  budget.spend(1);
  states.push_back({{}, {}, inside});
  return static_cast<uint32_t>(states.size() - 1);
}

void Nfa::addText(uint32_t from, std::string_view text, uint32_t to) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint32_t next = i + 1 == text.size() ? to : add();
    addEdge(from, byte, byte, next);
    from = next;
  }
  if (text.empty())
    addEmpty(from, to);
}

/// Builds the subsets of the states of an Nfa, each with the number of
/// characters if it is limited.
class Dfa::Construction {
public:
  Construction(const Nfa &nfa, uint32_t accept, Lengths lengths, Dfa &dfa)
      : nfa(nfa), accept(accept), lengths(lengths), dfa(dfa),
        seen(nfa.states.size()) {}

  void run(uint32_t start) {
    find({start}, 0);
    for (uint32_t id = 0; id < keys.size(); ++id)
      expand(id);
  }

private:
  /// Sorted states, and the number of complete characters before.
  using Key = std::pair<std::vector<uint32_t>, uint32_t>;

  uint32_t find(std::vector<uint32_t> states, uint32_t length);
  void close(std::vector<uint32_t> &states);
  void expand(uint32_t id);
  /// Returns false if `length` characters are too many; else replaces `length`
  /// by the number that stands for it.
  bool limit(uint32_t &length) const {
    if (lengths.max == kNoLimit)
      length = std::min(length, lengths.min);
    return length <= lengths.max;
  }

  const Nfa &nfa;
  uint32_t accept;
  Lengths lengths;
  Dfa &dfa;
  std::map<Key, uint32_t> ids;
  std::vector<const Key *> keys;
  std::vector<uint32_t> seen; ///< in which closure, counted from 1
  uint32_t closure = 0;
};

// Adds the states that are reached without a byte.
void Dfa::Construction::close(std::vector<uint32_t> &states) {
  ++closure;
  std::vector<uint32_t> result;
  const auto add = [&](uint32_t state) {
    if (seen[state] == closure)
      return;
    seen[state] = closure;
    result.push_back(state);
  };
  for (const uint32_t state : states)
    add(state);
  for (size_t i = 0; i < result.size(); ++i) {
    const std::vector<uint32_t> &empty = nfa.states[result[i]].empty;
    nfa.budget.spend(1 + empty.size());
    for (const uint32_t next : empty)
      add(next);
  }
  std::sort(result.begin(), result.end());
  states = std::move(result);
}

uint32_t Dfa::Construction::find(std::vector<uint32_t> states,
                                 uint32_t length) {
  close(states);
  const bool ends = std::binary_search(states.begin(), states.end(), accept) &&
                    length >= lengths.min;
  const auto [entry, isNew] =
      ids.emplace(Key(std::move(states), length), uint32_t(keys.size()));
  if (!isNew)
    return entry->second;
  if (keys.size() >= kMaxDfaStates)
    throw Refusal("takes more than " + std::to_string(kMaxDfaStates) +
                  " states; make it simpler");
  keys.push_back(&entry->first);
  dfa.all.push_back({{}, ends});
  return entry->second;
}

void Dfa::Construction::expand(uint32_t id) {
  std::vector<Edge> edges;
  std::vector<unsigned> cuts;
  for (const uint32_t state : keys[id]->first)
    for (const Edge &edge : nfa.states[state].edges) {
      edges.push_back(edge);
      cuts.push_back(edge.low);
      cuts.push_back(edge.high + 1u);
    }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::sort(edges.begin(), edges.end(),
            [](const Edge &a, const Edge &b) { return a.low < b.low; });
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    std::vector<uint32_t> targets;
    for (const Edge &edge : edges) {
      if (edge.low > cuts[i])
        break;
      nfa.budget.spend(1);
      if (edge.high >= cuts[i])
        targets.push_back(edge.target);
    }
    if (targets.empty())
      continue;
    uint32_t length = keys[id]->second;
    // The bytes decide where characters end, so either all targets are inside a
    // character or none.
    if (!nfa.states[targets[0]].inside && !lengths.any())
      ++length;
    if (!limit(length))
      continue;
    const uint32_t target = find(std::move(targets), length);
    std::vector<Edge> &result = dfa.all[id].edges;
    const auto low = static_cast<uint8_t>(cuts[i]);
    const auto high = static_cast<uint8_t>(cuts[i + 1] - 1);
    if (!result.empty() && result.back().target == target &&
        result.back().high + 1 == low)
      result.back().high = high;
    else
      result.push_back({low, high, target});
  }
}

Dfa::Dfa(const Nfa &nfa, uint32_t start, uint32_t accept, Lengths lengths) {
  Construction(nfa, accept, lengths, *this).run(start);
  trim();
}

// Removes edges to states that lead to no end.
void Dfa::trim() {
  std::vector<std::vector<uint32_t>> sources(all.size());
  std::vector<bool> ends(all.size());
  std::vector<uint32_t> work;
  for (uint32_t id = 0; id < all.size(); ++id) {
    for (const Edge &edge : all[id].edges)
      sources[edge.target].push_back(id);
    if (all[id].accepts)
      work.push_back(id);
  }
  while (!work.empty()) {
    const uint32_t id = work.back();
    work.pop_back();
    if (ends[id])
      continue;
    ends[id] = true;
    work.insert(work.end(), sources[id].begin(), sources[id].end());
  }
  if (!ends[0])
    throw Refusal("allows nothing");
  for (Node &node : all)
    node.edges.erase(
        std::remove_if(node.edges.begin(), node.edges.end(),
                       [&](const Edge &edge) { return !ends[edge.target]; }),
        node.edges.end());
}

StateId Dfa::emit(Builder &builder, const char *end) const {
  std::vector<StateId> ids(all.size());
  for (StateId &id : ids)
    id = builder.reserve();
  for (uint32_t i = 0; i < all.size(); ++i) {
    std::vector<Edge> edges = all[i].edges;
    for (Edge &edge : edges)
      edge.target = ids[edge.target];
    if (all[i].accepts && end)
      edges.push_back(
          {static_cast<uint8_t>(*end), static_cast<uint8_t>(*end), kReturn});
    if (!all[i].accepts || end)
      builder.defineBytes(ids[i], edges);
    else if (edges.empty())
      builder.define(ids[i], {kReturn});
    else
      builder.define(ids[i], {builder.bytes(edges), kReturn});
  }
  return ids[0];
}
