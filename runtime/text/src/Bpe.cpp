//===- Bpe.cpp - Byte-pair encoding ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Bpe.h"
#include "sherry/text/Utf8.h"

#include <algorithm>
#include <queue>
#include <tuple>

using namespace sherry::runtime;

void Bpe::addToken(std::string_view bytes, int32_t token) {
  wholeTokens.emplace(bytes, token);
  if (bytes.size() == 1 && !characters)
    byteTokens[static_cast<unsigned char>(bytes[0])] = token;
}

void Bpe::addMerge(const BpeMerge &merge) {
  merges.insert_or_assign(pairKey(merge.left, merge.right),
                          Merge{merge.rank, merge.result});
}

/// Part of the piece in a doubly linked list; -1: no adjacent part.
struct Bpe::Symbol {
  int32_t token; ///< -1: merged into the symbol to its left
  int32_t previous, next;
};

namespace {

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

void Bpe::addUnknown(std::vector<Symbol> &symbols) const {
  if (unknownToken >= 0 && !(fuseUnknown && !symbols.empty() &&
                             symbols.back().token == unknownToken))
    symbols.push_back({unknownToken, 0, 0});
}

void Bpe::beginWithBytes(std::string_view piece,
                         std::vector<Symbol> &symbols) const {
  for (char byte : piece) {
    const int32_t token = byteTokens[static_cast<unsigned char>(byte)];
    if (token >= 0)
      symbols.push_back({token, 0, 0});
    else
      addUnknown(symbols);
  }
}

bool Bpe::hasBytes(std::string_view character) const {
  return std::all_of(character.begin(), character.end(), [&](char byte) {
    return byteTokens[static_cast<unsigned char>(byte)] >= 0;
  });
}

void Bpe::beginWithCharacters(std::string_view piece,
                              std::vector<Symbol> &symbols) const {
  for (size_t i = 0, length; i < piece.size(); i += length) {
    classifyUtf8(piece.substr(i), length);
    std::string_view character = piece.substr(i, length);
    if (auto it = wholeTokens.find(std::string(character));
        it != wholeTokens.end())
      symbols.push_back({it->second, 0, 0});
    else if (hasBytes(character))
      beginWithBytes(character, symbols);
    else
      addUnknown(symbols);
  }
}

void Bpe::encode(std::string_view piece, std::vector<int32_t> &tokens) const {
  if (ignoreMerges)
    if (auto it = wholeTokens.find(std::string(piece));
        it != wholeTokens.end()) {
      tokens.push_back(it->second);
      return;
    }

  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  if (characters)
    beginWithCharacters(piece, symbols);
  else
    beginWithBytes(piece, symbols);
  const auto size = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i < size; ++i) {
    symbols[i].previous = i - 1;
    symbols[i].next = i + 1 < size ? i + 1 : -1;
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
    // An earlier merge may have used one of the two.
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
