//===- Pattern.cpp - Regular expressions of schemas -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Pattern.h"

using namespace sherry::grammar;

namespace {

/// Adds the paths of an expression to an Nfa. Recurses as deep as its groups.
class Ways {
public:
  Ways(const Pattern &pattern, Nfa &nfa) : pattern(pattern), nfa(nfa) {}

  void add(uint32_t node, uint32_t from, uint32_t to) {
    const Pattern::Node &it = pattern.nodes[node];
    switch (it.kind) {
    case Pattern::Node::Kind::Characters:
      addCharacters(nfa, from, it.characters, to);
      break;
    case Pattern::Node::Kind::Sequence:
      for (const uint32_t child : it.children) {
        const uint32_t next = nfa.add();
        add(child, from, next);
        from = next;
      }
      nfa.addEmpty(from, to);
      break;
    case Pattern::Node::Kind::Alternatives:
      for (const uint32_t child : it.children)
        add(child, from, to);
      break;
    case Pattern::Node::Kind::Repeat:
      addRepeat(it, from, to);
      break;
    }
  }

  /// Any text.
  void addAny(uint32_t from, uint32_t to) {
    const uint32_t inner = nfa.add();
    nfa.addEmpty(from, inner);
    addCharacters(nfa, inner, complement({}), inner);
    nfa.addEmpty(inner, to);
  }

private:
  void addRepeat(const Pattern::Node &node, uint32_t from, uint32_t to) {
    const uint32_t child = node.children[0];
    const auto addOne = [&] {
      const uint32_t next = nfa.add();
      add(child, from, next);
      from = next;
    };
    for (uint32_t i = 0; i < node.min; ++i)
      addOne();
    if (node.max == kNoLimit) {
      // The loop needs a state of its own, to which nothing else leads.
      const uint32_t inner = nfa.add();
      nfa.addEmpty(from, inner);
      add(child, inner, inner);
      nfa.addEmpty(inner, to);
      return;
    }
    for (uint32_t i = node.min; i < node.max; ++i) {
      nfa.addEmpty(from, to);
      addOne();
    }
    nfa.addEmpty(from, to);
  }

  const Pattern &pattern;
  Nfa &nfa;
};

} // namespace

Dfa sherry::grammar::compilePattern(std::string_view text, Lengths lengths,
                                    Budget &budget) {
  const Pattern pattern = Pattern::parse(text);
  Nfa nfa(budget);
  Ways ways(pattern, nfa);
  const uint32_t start = nfa.add(), accept = nfa.add();
  for (const Pattern::Branch &branch : pattern.branches) {
    uint32_t begin = start, end = accept;
    if (!branch.fromBegin)
      ways.addAny(start, begin = nfa.add());
    if (!branch.toEnd)
      ways.addAny(end = nfa.add(), accept);
    ways.add(branch.root, begin, end);
  }
  return Dfa(nfa, start, accept, lengths);
}
