//===- Trie.h - Byte strings by their beginnings ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_TRIE_H
#define SHERRY_GRAMMAR_TRIE_H

#include "Run.h"

#include <string_view>
#include <vector>

namespace sherry::grammar {

/// Tokens that are not empty, in one array: each node is followed by all that
/// begin with it.
class Trie {
public:
  struct Node {
    uint32_t end;       ///< behind all that begin with it
    uint32_t tokensEnd; ///< behind its tokens, which are behind those before it
    uint32_t depth;     ///< bytes up to it, without its own
    uint8_t byte;
  };

  Trie() = default;
  /// The tokens `ids`; `tokens` has the bytes of all.
  Trie(const std::vector<std::string_view> &tokens, std::vector<uint32_t> ids);

  /// Follows all tokens from `begin`. Calls `visit(mark, first, last)` with the
  /// tokens [first, last) that end at a node which is reached, and where it is;
  /// goes on behind the node only if that returns true.
  template <typename Visit>
  void walk(Run &run, Run::Mark begin, Visit visit) const;

private:
  std::vector<Node> nodes;
  std::vector<uint32_t> ids; ///< in the order of their bytes
  size_t height = 0;         ///< bytes of the longest token
};

template <typename Visit>
void Trie::walk(Run &run, Run::Mark begin, Visit visit) const {
  std::vector<Run::Mark> marks(height + 1); ///< before the byte of each depth
  marks[0] = begin;
  for (uint32_t i = 0; i < nodes.size();) {
    const Node &node = nodes[i];
    Run::Mark &after = marks[node.depth + 1];
    if (!run.step(marks[node.depth], node.byte, after)) {
      i = node.end;
      continue;
    }
    const uint32_t *first = ids.data() + (i == 0 ? 0 : nodes[i - 1].tokensEnd);
    const bool goesOn = visit(after, first, ids.data() + node.tokensEnd);
    i = goesOn ? i + 1 : node.end;
  }
}

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_TRIE_H
