//===- Trie.cpp - Byte strings by their beginnings ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Trie.h"

#include <algorithm>

using namespace sherry::grammar;

Trie::Trie(const std::vector<std::string_view> &tokens,
           std::vector<uint32_t> tokenIds)
    : ids(std::move(tokenIds)) {
  std::sort(ids.begin(), ids.end(), [&](uint32_t a, uint32_t b) {
    return tokens[a] != tokens[b] ? tokens[a] < tokens[b] : a < b;
  });
  std::vector<uint32_t> path; ///< nodes of the last token
  std::string_view last;
  for (uint32_t i = 0; i < ids.size(); ++i) {
    const std::string_view token = tokens[ids[i]];
    const size_t common =
        std::mismatch(last.begin(),
                      last.begin() + std::min(last.size(), token.size()),
                      token.begin())
            .first -
        last.begin();
    for (; path.size() > common; path.pop_back())
      nodes[path.back()].end = static_cast<uint32_t>(nodes.size());
    for (size_t depth = common; depth < token.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes.size()));
      nodes.push_back({0, i, static_cast<uint32_t>(depth),
                       static_cast<uint8_t>(token[depth])});
    }
    nodes.back().tokensEnd = i + 1;
    height = std::max(height, token.size());
    last = token;
  }
  for (const uint32_t node : path)
    nodes[node].end = static_cast<uint32_t>(nodes.size());
}
