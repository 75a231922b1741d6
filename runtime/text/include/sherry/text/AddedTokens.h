//===- AddedTokens.h - Tokens that are found in texts -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Added tokens are found before text is cut into pieces: from left to right, at
// each position the longest.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_ADDEDTOKENS_H
#define SHERRY_TEXT_ADDEDTOKENS_H

#include "sherry/text/TokenizerConfig.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sherry::runtime {

/// Parts [begin, end) of a text, in order and apart from each other.
using TextRanges = std::vector<std::pair<size_t, size_t>>;

class AddedTokens {
public:
  /// Takes the added tokens of `entries` whose flag `normalized` is as given;
  /// with `nfc` their texts in NFC.
  AddedTokens(const std::vector<TokenEntry> &entries, bool normalized,
              bool nfc);

  bool empty() const { return tokens.empty(); }

  /// Passes on, in order, the tokens in `text` and the texts before, between
  /// and after them, also empty ones, with the offset where they begin. Special
  /// tokens are found only within the ranges `special`.
  void find(std::string_view text, const TextRanges &special,
            const std::function<void(size_t, std::string_view)> &onText,
            const std::function<void(int32_t)> &onToken) const;

private:
  struct Token {
    int32_t id;
    std::string text;
    bool stripLeft, stripRight, singleWord;
  };
  /// Tokens, as indices into `tokens`, by their first byte, in the order of
  /// their bytes.
  using Index = std::array<std::vector<uint32_t>, 256>;

  const Token *findLongest(std::string_view text, bool special) const;
  bool isPartOfWord(std::string_view text, size_t begin, size_t end) const;

  std::vector<Token> tokens;
  Index ordinary; ///< without special ones
  Index all;
  std::optional<Regex> wordCharacter; ///< if a token is a single word
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_ADDEDTOKENS_H
