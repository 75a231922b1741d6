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

/// The non-empty tokens as a trie in one array: each node is followed by its
/// subtree.
class Trie {
public:
  struct Node {
    uint32_t end;       ///< the end of its subtree
    uint32_t tokensEnd; ///< the end of its tokens, which follow those before
    uint32_t depth;     ///< bytes before its own byte
    uint8_t byte;
  };

  Trie() = default;
  /// A trie of the tokens `ids`; `tokens` has the bytes of all tokens.
  Trie(const std::vector<std::string_view> &tokens, std::vector<uint32_t> ids);

  /// Follows all tokens from `begin`. For each node that is reached, calls
  /// `visit(mark, first, last)` with its mark and the tokens [first, last) that
  /// end there; goes on below the node only if `visit` returns true.
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
