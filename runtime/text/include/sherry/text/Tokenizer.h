//===- Tokenizer.h - Text to tokens and back --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BPE on bytes as Hugging Face tokenizers do it, or on characters as
// SentencePiece does it: find added tokens, bring the text between them to its
// normal form, cut it into pieces, encode each piece.
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
  /// Reads a tokenizer.json. `addBos`: texts begin with a token, by default as
  /// the tokenizer says. It is the one that the tokenizer puts in front, or, if
  /// it names none, `bos`. Throws Error.
  Tokenizer(std::string_view json, uint32_t vocabSize,
            std::optional<int32_t> bos, std::optional<bool> addBos);

  /// The token that texts begin with, if they do.
  std::optional<int32_t> firstToken() const { return first; }

  /// The tokens of `text`, UTF-8 or not. Decoding them gives the same bytes,
  /// but for the spaces that the tokenizer is told to add or drop, for
  /// characters that another form of Unicode has in other ways, and for what no
  /// token stands for. `bos`: begin with firstToken(). `special`: look for
  /// special tokens in the text.
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              bool special) const;

  /// The same of a text in which special tokens are looked for in some places
  /// only: [begin, end) of bytes, in order and apart from each other.
  using Ranges = TextRanges;
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              const Ranges &special) const;

  using PieceFunction = std::function<void(std::string_view)>;

  /// Passes on, in order, the pieces of `text` that encode() merges the bytes
  /// of, and the added tokens between them.
  void cut(std::string_view text, bool special, const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;
  void cut(std::string_view text, const Ranges &special,
           const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;

  /// Whether a text that begins with its first token gets a space in front: the
  /// bytes of that token begin with it.
  bool prefixesSpace() const { return prefix != PrefixSpace::Never; }

  /// The bytes of a token; empty if the vocabulary leaves the id out. Throws
  /// Error if the model has no such token.
  std::string_view bytes(int32_t token) const;
  bool isSpecial(int32_t token) const;

  /// The bytes of UTF-8 that would be dropped from a text: no token stands for
  /// them, and there is none for what is unknown.
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
  /// No token has a space after another character: text can be cut there.
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
