//===- TokenizerConfig.h - Contents of a tokenizer.json ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checked contents of a tokenizer.json of Hugging Face tokenizers. The
// model type "SentencePieceBPE" is defined by Sherry: see docs/Tokenizers.md.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_TOKENIZERCONFIG_H
#define SHERRY_TEXT_TOKENIZERCONFIG_H

#include "sherry/text/Bpe.h"
#include "sherry/text/Regex.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sherry::runtime {

enum class TokenKind {
  None,   ///< the vocabulary has no such token
  Text,   ///< bytes in the byte-level alphabet; text becomes these tokens
  Byte,   ///< of one byte that no other token has
  Opaque, ///< outside the alphabet; no text becomes this token
  Added,  ///< found in the text before it is cut into pieces
  Special ///< added, and not text, such as the beginning of a text
};

struct TokenEntry {
  TokenKind kind = TokenKind::None;
  std::string bytes;
  /// Of added tokens: white space before or after them belongs to the token.
  bool stripLeft = false, stripRight = false;
  bool singleWord = false; ///< no letter or digit is adjacent to it
  bool normalized = false; ///< found in text as the normalizer leaves it
};

/// Whether a space is put in front of text: never, at the beginning, or also
/// after added tokens.
enum class PrefixSpace { Never, First, Always };

/// One step of cutting text into pieces.
struct SplitStep {
  /// A piece that does not begin with a space gets one.
  bool prefixSpace = false;
  std::string pattern; ///< empty: the step does not cut
  bool literal = false;
  SplitBehavior behavior = SplitBehavior::Isolated;
  bool inverts = false;
  /// The pattern is matched with the characters of the byte-level alphabet, not
  /// with those of the text.
  bool seesBytes = false;
};

struct TokenizerConfig {
  std::vector<TokenEntry> tokens; ///< by id
  std::vector<BpeMerge> merges;   ///< by rank
  bool ignoreMerges = false;
  std::vector<SplitStep> steps;
  bool nfc = false; ///< text is brought to NFC before it is cut
  /// Text is characters, not bytes, as in SentencePiece.
  bool characters = false;
  int32_t unknown = -1;     ///< for text without a token; -1: dropped
  bool fuseUnknown = false; ///< adjacent unknown characters are one
  // With characters:
  PrefixSpace prefixSpace = PrefixSpace::Never;
  bool prefixesSpaces = true;  ///< also text that begins with a space
  bool splitsAtSpaces = false; ///< each space begins a piece
  /// The token that post_processor puts in front of texts.
  std::optional<int32_t> firstToken;

  /// Throws Error, which names the field, if the JSON is wrong, if the
  /// tokenizer is not supported, or if the id of a token is not below
  /// `vocabSize`.
  static TokenizerConfig parse(std::string_view json, uint32_t vocabSize);
};

/// `text` with spaces instead of U+2581, by which SentencePiece writes them.
std::string replaceSpaceSymbols(std::string_view text);

} // namespace sherry::runtime

#endif // SHERRY_TEXT_TOKENIZERCONFIG_H
