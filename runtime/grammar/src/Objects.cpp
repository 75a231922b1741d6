//===- Objects.cpp - Objects of JSON --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

#include <map>

using namespace sherry::grammar;

namespace {

/// The names of properties, which are read together with a Dfa of all names.
class NameTrie {
public:
  static constexpr uint32_t kNone = UINT32_MAX; ///< not the beginning of a name

  /// Adds a name in its JSON spelling. Digits of an escape may be upper case,
  /// too.
  void add(std::string_view name) {
    uint32_t at = 0;
    size_t digitsEnd = 0;
    for (size_t i = 0; i < name.size(); ++i) {
      const auto byte = static_cast<uint8_t>(name[i]);
      const auto [entry, isNew] =
          nodes[at].children.emplace(byte, uint32_t(nodes.size()));
      const uint32_t child = entry->second;
      if (i < digitsEnd && byte >= 'a' && byte <= 'f')
        nodes[at].children.emplace(static_cast<uint8_t>(byte - 'a' + 'A'),
                                   child);
      if (isNew)
        nodes.emplace_back();
      at = child;
      if (byte == '\\' && i >= digitsEnd && i + 1 < name.size())
        // The escaped character itself begins no escape.
        digitsEnd = name[i + 1] == 'u' ? i + 6 : i + 2;
    }
    nodes[at].ends = true;
  }
  bool ends(uint32_t node) const { return node != kNone && nodes[node].ends; }
  const std::map<uint8_t, uint32_t> &children(uint32_t node) const {
    static const std::map<uint8_t, uint32_t> none;
    return node == kNone ? none : nodes[node].children;
  }

private:
  struct Node {
    std::map<uint8_t, uint32_t> children;
    bool ends = false;
  };
  std::vector<Node> nodes = std::vector<Node>(1);
};

/// The states of all names except those of a trie. `rest`: the state of the
/// rest of a name once it differs from all of them. `dfa` accepts all names.
class OtherNames {
public:
  OtherNames(Builder &builder, const Dfa &dfa, const NameTrie &trie,
             StateId rest, StateId next)
      : builder(builder), dfa(dfa), trie(trie), rest(rest), next(next) {}

  StateId build() {
    const StateId start = find(0, 0);
    while (!work.empty()) {
      const Key key = work.back();
      work.pop_back();
      expand(key);
    }
    return start;
  }

private:
  using Key = std::pair<uint32_t, uint32_t>; // of the Dfa, of the trie

  StateId find(uint32_t node, uint32_t name) {
    // The Dfa accepts wherever it is not within a character.
    if (name == NameTrie::kNone && dfa.nodes()[node].accepts)
      return rest;
    const auto [entry, isNew] = ids.emplace(Key(node, name), 0);
    if (isNew) {
      entry->second = builder.reserve();
      work.push_back(entry->first);
    }
    return entry->second;
  }

  void expand(const Key &key) {
    const Dfa::Node &node = dfa.nodes()[key.first];
    const auto &children = trie.children(key.second);
    std::vector<Edge> edges;
    for (const Edge &edge : node.edges) {
      // Bytes between those that continue names of the trie begin another name.
      unsigned low = edge.low;
      for (auto child = children.lower_bound(edge.low);
           child != children.end() && child->first <= edge.high; ++child) {
        addEdge(edges, low, child->first, edge.target);
        edges.push_back(
            {child->first, child->first, find(edge.target, child->second)});
        low = child->first + 1u;
      }
      addEdge(edges, low, edge.high + 1u, edge.target);
    }
    if (node.accepts && !trie.ends(key.second))
      edges.push_back({'"', '"', next});
    builder.defineBytes(ids.at(key), edges);
  }

  void addEdge(std::vector<Edge> &edges, unsigned low, unsigned end,
               uint32_t target) {
    if (low < end)
      edges.push_back({static_cast<uint8_t>(low), static_cast<uint8_t>(end - 1),
                       find(target, NameTrie::kNone)});
  }

  Builder &builder;
  const Dfa &dfa;
  const NameTrie &trie;
  StateId rest, next;
  std::map<Key, StateId> ids;
  std::vector<Key> work;
};

} // namespace

StateId JsonStates::memberAfterName(StateId value, StateId next) {
  const StateId member = builder.call(value, next);
  return builder.byte(':', builder.fork({member, builder.byte(' ', member)}));
}

// A name has one spelling until it differs from the names of the properties. If
// all characters could be escaped, it could be one of these names in another
// spelling.
StateId JsonStates::otherName(const std::vector<Property> &properties,
                              StateId next) {
  const StateId rest =
      builder.loop(anyCharacter, 0, kNoLimit, builder.byte('"', next));
  if (properties.empty())
    return builder.byte('"', rest);
  NameTrie trie;
  for (const Property &property : properties)
    trie.add(
        std::string_view(property.name).substr(1, property.name.size() - 2));
  const Dfa any = compilePattern("^[^]*$", {}, budget);
  return builder.byte('"', OtherNames(builder, any, trie, rest, next).build());
}

StateId JsonStates::object(const std::vector<Property> &properties,
                           std::optional<StateId> others) {
  const StateId close = builder.byte('}', kReturn);
  const StateId closeLine = blanksThen(close);
  const auto comma = [&](std::vector<StateId> choices) {
    return builder.byte(',', blanksThen(builder.fork(std::move(choices))));
  };

  // The states of the members that may come next, built from the end to the
  // beginning.
  std::vector<StateId> choices;
  StateId after = closeLine;
  if (others) {
    after = builder.reserve();
    choices = {otherName(properties, memberAfterName(*others, after))};
    builder.define(after, {comma(choices), closeLine});
  }
  bool mayClose = true;
  for (size_t i = properties.size(); i-- > 0;) {
    const Property &property = properties[i];
    if (property.required) {
      choices.clear();
      mayClose = false;
    }
    choices.push_back(
        builder.literal(property.name, memberAfterName(property.value, after)));
    if (choices.size() > kMaxThreads)
      throw Refusal("more than " + std::to_string(kMaxThreads) +
                    " in a row are not required");
    if (i == 0)
      break;
    after =
        mayClose ? builder.fork({comma(choices), closeLine}) : comma(choices);
  }
  if (mayClose)
    choices.push_back(close);
  return builder.byte('{', blanksThen(builder.fork(choices)));
}
