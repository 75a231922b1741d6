//===- Bpe.h - Byte-pair encoding -------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns one piece of text into tokens by merging adjacent tokens: the pair of
// the lowest rank first, among equals the leftmost. It begins with bytes; or
// with characters, of which those that are no token are replaced by their
// bytes.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_BPE_H
#define SHERRY_TEXT_BPE_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sherry::runtime {

/// The adjacent tokens `left` and `right` become `result`.
struct BpeMerge {
  int32_t left, right, result;
  uint32_t rank;
};

class Bpe {
public:
  Bpe() { byteTokens.fill(-1); }

  /// Adds a token that pieces of text may become. No two tokens may have the
  /// same bytes.
  void addToken(std::string_view bytes, int32_t token);
  /// Adds the token of a byte that is no text by itself.
  void addByte(unsigned char byte, int32_t token) { byteTokens[byte] = token; }
  /// Begins with characters, not with bytes; a character that is no token
  /// becomes its bytes if all of them have tokens.
  void setCharacters() { characters = true; }
  /// Text without a token becomes `token`; with `fuse`, adjacent such
  /// characters become one token. Without this call such text is dropped.
  void setUnknown(int32_t token, bool fuse) {
    unknownToken = token;
    fuseUnknown = fuse;
  }
  /// Whether a byte that is no character by itself would be dropped.
  bool drops(unsigned char byte) const {
    return unknownToken < 0 && byteTokens[byte] < 0;
  }
  /// Adds a merge. If a pair is added twice, the last merge counts.
  void addMerge(const BpeMerge &merge);
  /// With `ignore`, a piece that is a token as a whole becomes this token,
  /// without regard to merges.
  void setIgnoreMerges(bool ignore) { ignoreMerges = ignore; }

  /// Appends the tokens of `piece`, at most INT32_MAX bytes, in
  /// O(n log n).
  void encode(std::string_view piece, std::vector<int32_t> &tokens) const;

private:
  struct Merge {
    uint32_t rank;
    int32_t result;
  };
  static uint64_t pairKey(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 |
           static_cast<uint32_t>(right);
  }

  struct Symbol;
  void addUnknown(std::vector<Symbol> &symbols) const;
  void beginWithBytes(std::string_view piece,
                      std::vector<Symbol> &symbols) const;
  void beginWithCharacters(std::string_view piece,
                           std::vector<Symbol> &symbols) const;
  bool hasBytes(std::string_view character) const;

  std::array<int32_t, 256> byteTokens; ///< -1: none
  int32_t unknownToken = -1;           ///< -1: none
  bool characters = false, fuseUnknown = false;
  std::unordered_map<std::string, int32_t> wholeTokens;
  std::unordered_map<uint64_t, Merge> merges;
  bool ignoreMerges = false;
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_BPE_H
