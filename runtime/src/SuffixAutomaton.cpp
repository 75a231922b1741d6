//===- SuffixAutomaton.cpp - Finds repeated suffixes of a text ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SuffixAutomaton.h"
#include "sherry/support/Error.h"

using namespace sherry::runtime;

static constexpr size_t kMostTokens = size_t{1} << 30;

SuffixAutomaton::SuffixAutomaton() : states{{0, kNone, 0, kNone}} {
  table.assign(64, kNone);
}

/// The index of an edge in the table, or the empty slot where it would be.
size_t SuffixAutomaton::slotOf(uint32_t state, int32_t token) const {
  const uint64_t key = uint64_t{state} << 32 | static_cast<uint32_t>(token);
  // Fibonacci hashing: the high bits of a product.
  size_t slot = (key * 0x9E3779B97F4A7C15 >> 32) & (table.size() - 1);
  while (table[slot] != kNone && (edges[table[slot]].from != state ||
                                  edges[table[slot]].token != token))
    slot = (slot + 1) & (table.size() - 1);
  return slot;
}

/// The number of the edge, or kNone.
uint32_t SuffixAutomaton::find(uint32_t state, int32_t token) const {
  return table[slotOf(state, token)];
}

void SuffixAutomaton::grow() {
  table.assign(2 * table.size(), kNone);
  for (size_t i = 0; i < edges.size(); ++i)
    table[slotOf(edges[i].from, edges[i].token)] = static_cast<uint32_t>(i);
}

void SuffixAutomaton::add(uint32_t from, int32_t token, uint32_t to) {
  if (2 * (edges.size() + 1) > table.size())
    grow();
  const auto number = static_cast<uint32_t>(edges.size());
  edges.push_back({from, token, to, states[from].edges});
  states[from].edges = number;
  table[slotOf(from, token)] = number;
}

/// Makes a state with the edges of `state`, for its suffixes of at most
/// `length` tokens.
uint32_t SuffixAutomaton::clone(uint32_t state, uint32_t length) {
  const auto copy = static_cast<uint32_t>(states.size());
  states.push_back({length, states[state].link, states[state].end, kNone});
  for (uint32_t i = states[state].edges; i != kNone; i = edges[i].next)
    add(copy, edges[i].token, edges[i].to);
  states[state].link = copy;
  return copy;
}

void SuffixAutomaton::push(int32_t token) {
  if (text.size() == kMostTokens)
    throw Error("a text to draft from has at most 2^30 tokens");
  text.push_back(token);
  const auto length = static_cast<uint32_t>(text.size());
  const auto added = static_cast<uint32_t>(states.size());
  states.push_back({length, 0, length, kNone});
  uint32_t at = last, edge = kNone;
  for (; at != kNone && (edge = find(at, token)) == kNone; at = states[at].link)
    add(at, token, added);
  if (at != kNone) {
    const uint32_t next = edges[edge].to;
    const uint32_t wanted = states[at].length + 1;
    uint32_t link = next;
    if (states[next].length != wanted) {
      link = clone(next, wanted);
      for (; at != kNone && (edge = find(at, token)) != kNone &&
             edges[edge].to == next;
           at = states[at].link)
        edges[edge].to = link;
    }
    states[added].link = link;
  }
  last = added;
  // The suffix ends here, too; the next match will find this latest occurrence.
  State &longest = states[states[last].link];
  matchEnd = longest.end;
  longest.end = length;
}

SuffixAutomaton::Match SuffixAutomaton::match() const {
  if (text.empty() || states[last].link == 0)
    return {0, nullptr, 0};
  return {states[states[last].link].length, text.data() + matchEnd,
          text.size() - matchEnd};
}
