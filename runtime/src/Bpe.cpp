//===- Bpe.cpp - Byte-pair encoding ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bpe.h"
#include "Support.h"

#include <queue>
#include <tuple>

using namespace sherry::runtime;

void Bpe::addToken(std::string_view bytes, int32_t token) {
  wholeTokens.emplace(bytes, token);
  if (bytes.size() == 1)
    byteTokens[static_cast<unsigned char>(bytes[0])] = token;
}

void Bpe::addMerge(const BpeMerge &merge) {
  merges.insert_or_assign(pairKey(merge.left, merge.right),
                          Merge{nextRank++, merge.result});
}

namespace {

/// Part of the piece in a doubly linked list; -1: no neighbour.
struct Symbol {
  int32_t token; ///< -1: merged into its left neighbour
  int32_t previous, next;
};

/// A merge that was possible when it was found.
struct Candidate {
  uint32_t rank;
  int32_t position; ///< index of the left symbol
  int32_t left, right, result;

  bool operator>(const Candidate &other) const {
    return std::tie(rank, position) > std::tie(other.rank, other.position);
  }
};

} // namespace

void Bpe::encode(std::string_view piece, std::vector<int32_t> &tokens) const {
  if (ignoreMerges)
    if (auto it = wholeTokens.find(std::string(piece));
        it != wholeTokens.end()) {
      tokens.push_back(it->second);
      return;
    }

  const auto size = static_cast<int32_t>(piece.size());
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (int32_t i = 0; i < size; ++i) {
    auto byte = static_cast<unsigned char>(piece[i]);
    if (byteTokens[byte] < 0)
      throw Error("the tokenizer has no token for the byte " +
                  quote(piece.substr(i, 1)));
    symbols.push_back({byteTokens[byte], i - 1, i + 1 < size ? i + 1 : -1});
  }

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  auto consider = [&](int32_t position) {
    if (position < 0 || symbols[position].next < 0)
      return;
    int32_t left = symbols[position].token;
    int32_t right = symbols[symbols[position].next].token;
    if (auto it = merges.find(pairKey(left, right)); it != merges.end())
      queue.push({it->second.rank, position, left, right, it->second.result});
  };
  for (int32_t i = 0; i < size; ++i)
    consider(i);

  while (!queue.empty()) {
    const Candidate merge = queue.top();
    queue.pop();
    Symbol &left = symbols[merge.position];
    // An earlier merge may have taken one of the two.
    if (left.token != merge.left || left.next < 0 ||
        symbols[left.next].token != merge.right)
      continue;
    Symbol &right = symbols[left.next];
    left.token = merge.result;
    right.token = -1;
    left.next = right.next;
    if (left.next >= 0)
      symbols[left.next].previous = merge.position;
    consider(left.previous);
    consider(merge.position);
  }

  for (int32_t i = size > 0 ? 0 : -1; i >= 0; i = symbols[i].next)
    tokens.push_back(symbols[i].token);
}
