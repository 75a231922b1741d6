//===- TokenizerConfig.h - What a tokenizer.json says -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contents of a tokenizer.json of Hugging Face tokenizers, checked. A model
// of type "SentencePieceBPE" is ours: see docs/Tokenizers.md.
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
  Text,   ///< bytes in the byte-level alphabet: what text becomes
  Byte,   ///< of a byte that no other token has
  Opaque, ///< not in the alphabet: no text becomes this token
  Added,  ///< found in the text before anything else
  Special ///< added, and not text by itself: begin of text and the like
};

struct TokenEntry {
  TokenKind kind = TokenKind::None;
  std::string bytes;
  /// Added tokens: the white space before or after belongs to the token.
  bool stripLeft = false, stripRight = false;
  bool singleWord = false; ///< no letter or digit stands next to it
  bool normalized = false; ///< found in text as the normalizer leaves it
};

/// Where a space is put in front of the text, or of what follows an added
/// token.
enum class PrefixSpace { Never, First, Always };

/// One step of cutting text into pieces.
struct SplitStep {
  /// A piece that does not begin with a space gets one.
  bool prefixSpace = false;
  std::string pattern; ///< empty: does not cut
  bool literal = false;
  SplitBehavior behavior = SplitBehavior::Isolated;
  bool inverts = false;
  /// It sees the characters of the byte-level alphabet, not those of the text.
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
  int32_t unknown = -1;     ///< what no token can express; -1: dropped
  bool fuseUnknown = false; ///< neighbours of that kind are one
  // With characters:
  PrefixSpace prefixSpace = PrefixSpace::Never;
  bool prefixesSpaces = true;  ///< also what begins with a space
  bool splitsAtSpaces = false; ///< each begins a piece
  /// The token that post_processor puts in front.
  std::optional<int32_t> firstToken;

  /// Throws Error naming the field if the JSON is wrong, is of a tokenizer that
  /// is not supported, or has a token that is not below `vocabSize`.
  static TokenizerConfig parse(std::string_view json, uint32_t vocabSize);
};

/// `text` with spaces in place of U+2581, by which SentencePiece writes them.
std::string replaceSpaceSymbols(std::string_view text);

} // namespace sherry::runtime

#endif // SHERRY_TEXT_TOKENIZERCONFIG_H
