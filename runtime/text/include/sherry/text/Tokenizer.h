//===- Tokenizer.h - Text to tokens and back --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BPE on bytes as in Hugging Face tokenizers, or on characters as in
// SentencePiece: find added tokens, bring the text between them to its normal
// form, cut it into pieces, encode each piece.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_TOKENIZER_H
#define SHERRY_TEXT_TOKENIZER_H

#include "sherry/text/AddedTokens.h"
#include "sherry/text/Bpe.h"
#include "sherry/text/Regex.h"
#include "sherry/text/TokenizerConfig.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sherry::runtime {

class Tokenizer {
public:
  /// Reads a tokenizer.json. `addBos`: whether texts begin with a token; by
  /// default as the tokenizer says. This token is the one that the tokenizer
  /// puts in front of texts or, if it names none, `bos`. Throws Error.
  Tokenizer(std::string_view json, uint32_t vocabSize,
            std::optional<int32_t> bos, std::optional<bool> addBos);

  /// The token that texts begin with; nothing if they begin with none.
  std::optional<int32_t> firstToken() const { return first; }

  /// The tokens of `text`, valid UTF-8 or not. Decoding them gives the same
  /// bytes, except for spaces that the tokenizer adds or drops, characters that
  /// its normal form changes, and bytes that have no token. `bos`: begin with
  /// firstToken(). `special`: find special tokens in the text.
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              bool special) const;

  /// The same, with special tokens found only in some ranges [begin, end) of
  /// bytes, in order and apart from each other.
  using Ranges = TextRanges;
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              const Ranges &special) const;

  using PieceFunction = std::function<void(std::string_view)>;

  /// Passes on, in order, the pieces of `text` whose bytes encode() merges, and
  /// the added tokens between them.
  void cut(std::string_view text, bool special, const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;
  void cut(std::string_view text, const Ranges &special,
           const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;

  /// Whether a text gets a space in front, so that the bytes of its first token
  /// begin with a space.
  bool prefixesSpace() const { return prefix != PrefixSpace::Never; }

  /// The bytes of a token; empty if the vocabulary has no token of this id.
  /// Throws Error if the id is not below the size of the model's vocabulary.
  std::string_view bytes(int32_t token) const;
  bool isSpecial(int32_t token) const;

  /// The bytes of UTF-8 that encode() drops from texts, because they have no
  /// token and the tokenizer has no unknown token.
  std::string droppedBytes() const;

private:
  struct Step {
    bool prefixSpace, seesBytes;
    std::optional<Splitter> splitter;
  };
  void cutText(std::string_view text, bool isFirst, MatchBudget &budget,
               const PieceFunction &onPiece) const;
  void cutCharacters(std::string_view text, bool isFirst,
                     const PieceFunction &onPiece) const;
  void cutPiece(std::string_view piece, size_t step, MatchBudget &budget,
                const PieceFunction &onPiece) const;

  std::vector<TokenEntry> entries; ///< by id
  bool nfc = false, characters = false;
  PrefixSpace prefix = PrefixSpace::Never;
  bool prefixesSpaces = true, splitsAtSpaces = false;
  /// No token has a space after another character, so text can be cut at
  /// spaces.
  bool cutsAtSpaces = true;
  uint32_t vocabSize;
  std::optional<int32_t> first;
  std::optional<AddedTokens> added;       ///< in the text as it is
  std::optional<AddedTokens> normalAdded; ///< in its normal form
  std::vector<Step> steps;
  Bpe bpe;
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_TOKENIZER_H
