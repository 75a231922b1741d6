//===- Tokenizer.h - Text to tokens and back --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BPE on bytes as Hugging Face tokenizers do it, or on characters as
// SentencePiece does it: find added tokens, cut the text between them into
// pieces, encode each piece.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TOKENIZER_H
#define SHERRY_RUNTIME_TOKENIZER_H

#include "Bpe.h"
#include "Regex.h"
#include "TokenizerConfig.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sherry::runtime {

class Tokenizer {
public:
  /// Reads a tokenizer.json. `bos` is the model's BOS token, by default the one
  /// that the tokenizer puts in front; `addBos` whether it does, by default as
  /// the tokenizer says. Throws Error.
  Tokenizer(std::string_view json, uint32_t vocabSize,
            std::optional<int32_t> bos, std::optional<bool> addBos);

  /// The token that texts begin with, if they do.
  std::optional<int32_t> firstToken() const { return first; }

  /// The tokens of `text`, UTF-8 or not; decoding them gives the same bytes,
  /// but for the spaces that the tokenizer is told to add or drop. `bos`: begin
  /// with firstToken(). `special`: look for special tokens in the text.
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              bool special) const;
  /// The same of a text in which special tokens are looked for in some places
  /// only: [begin, end) of bytes, in order and apart from each other.
  using Ranges = std::vector<std::pair<size_t, size_t>>;
  std::vector<int32_t> encode(std::string_view text, bool bos,
                              const Ranges &special) const;

  using PieceFunction = std::function<void(std::string_view)>;

  /// Passes on, in order, the pieces of `text` that encode() merges the bytes
  /// of, and the added tokens between them.
  void cut(std::string_view text, bool special, const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;

  /// Whether a text that begins with its first token gets a space in front: the
  /// bytes of that token begin with it.
  bool prefixesSpace() const { return prefix != PrefixSpace::Never; }

  /// The bytes of a token; empty if the vocabulary leaves the id out. Throws
  /// Error if the model has no such token.
  std::string_view bytes(int32_t token) const;
  bool isSpecial(int32_t token) const;

private:
  struct Step {
    bool prefixSpace;
    std::optional<Regex> regex;
  };
  std::optional<int32_t> findAdded(std::string_view text, bool special) const;
  void cut(std::string_view text, const Ranges &special,
           const PieceFunction &onPiece,
           const std::function<void(int32_t)> &onAdded) const;
  void cutText(std::string_view text, bool isFirst,
               const PieceFunction &onPiece) const;
  void cutCharacters(std::string_view text, bool isFirst,
                     const PieceFunction &onPiece) const;
  void cutPiece(std::string_view piece, size_t step,
                const PieceFunction &onPiece) const;

  std::vector<TokenEntry> entries; ///< by id
  bool characters = false;
  PrefixSpace prefix = PrefixSpace::Never;
  bool prefixesSpaces = true, splitsAtSpaces = false;
  /// No token has a space after another character: text can be cut there.
  bool cutsAtSpaces = true;
  uint32_t vocabSize;
  std::optional<int32_t> first;
  /// Added tokens by their first byte, in the order of their bytes.
  using AddedTokens = std::array<std::vector<int32_t>, 256>;
  AddedTokens added; ///< but for special ones
  AddedTokens allAdded;
  std::vector<Step> steps;
  Bpe bpe;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TOKENIZER_H
