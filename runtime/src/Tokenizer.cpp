//===- Tokenizer.cpp - Text to tokens and back ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Tokenizer.h"
#include "Support.h"
#include "Utf8.h"

#include <algorithm>

using namespace sherry::runtime;

static constexpr char whiteSpace[] = " \t\n\v\f\r";

Tokenizer::Tokenizer(std::string_view json, uint32_t vocabSize,
                     std::optional<int32_t> bos, std::optional<bool> addBos)
    : vocabSize(vocabSize) {
  TokenizerConfig config = TokenizerConfig::parse(json, vocabSize);
  if (addBos.value_or(config.firstToken.has_value())) {
    first = bos ? bos : config.firstToken;
    if (!first)
      throw Error("metadata: add_bos_token is set, but there is no BOS token");
  }

  characters = config.characters;
  prefix = config.prefixSpace;
  prefixesSpaces = config.prefixesSpaces;
  splitsAtSpaces = config.splitsAtSpaces;
  if (characters)
    bpe.setCharacters(config.unknown, config.fuseUnknown);
  entries = std::move(config.tokens);
  bool hasSpace = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    const TokenEntry &entry = entries[i];
    const auto id = static_cast<int32_t>(i);
    if (entry.kind == TokenKind::Text) {
      bpe.addToken(entry.bytes, id);
      size_t word = entry.bytes.find_first_not_of(' ');
      hasSpace |= entry.bytes == " ";
      cutsAtSpaces &= word == std::string::npos ||
                      entry.bytes.find(' ', word) == std::string::npos;
    }
    if (entry.kind == TokenKind::Byte)
      bpe.addByte(static_cast<unsigned char>(entry.bytes[0]), id);
    if (entry.kind == TokenKind::Added)
      added[static_cast<unsigned char>(entry.bytes[0])].push_back(id);
    if (entry.kind == TokenKind::Added || entry.kind == TokenKind::Special)
      allAdded[static_cast<unsigned char>(entry.bytes[0])].push_back(id);
  }
  // Neighbours that no token stands for may be one unknown token.
  cutsAtSpaces &= hasSpace;
  for (AddedTokens *tokens : {&added, &allAdded})
    for (auto &ids : *tokens)
      std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
        return entries[a].bytes < entries[b].bytes;
      });

  for (const BpeMerge &merge : config.merges)
    bpe.addMerge(merge);
  bpe.setIgnoreMerges(config.ignoreMerges);
  for (const SplitStep &step : config.steps) {
    steps.push_back({step.prefixSpace, std::nullopt});
    if (!step.pattern.empty())
      steps.back().regex.emplace(step.pattern, step.literal);
  }
}

/// The longest added token that `text` begins with. Byte by byte, those that do
/// not begin like the text are left out.
std::optional<int32_t> Tokenizer::findAdded(std::string_view text,
                                            bool special) const {
  const auto &ids =
      (special ? allAdded : added)[static_cast<unsigned char>(text[0])];
  std::optional<int32_t> longest;
  auto begin = ids.begin(), end = ids.end();
  for (size_t size = 1; begin != end; ++size) {
    if (entries[*begin].bytes.size() == size)
      longest = *begin;
    if (size == text.size())
      break;
    // Those that end here come first.
    const auto byteOf = [&](int32_t id) {
      const std::string &bytes = entries[id].bytes;
      return bytes.size() == size ? -1
                                  : static_cast<unsigned char>(bytes[size]);
    };
    const int byte = static_cast<unsigned char>(text[size]);
    begin = std::partition_point(begin, end,
                                 [&](int32_t id) { return byteOf(id) < byte; });
    end = std::partition_point(begin, end,
                               [&](int32_t id) { return byteOf(id) == byte; });
  }
  return longest;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool bos,
                                       bool special) const {
  return encode(text, bos, special ? Ranges{{0, text.size()}} : Ranges());
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool bos,
                                       const Ranges &special) const {
  if (text.size() > INT32_MAX)
    throw Error("the text has " + std::to_string(text.size()) +
                " bytes; at most " + std::to_string(INT32_MAX) +
                " are supported, split it");
  std::vector<int32_t> tokens;
  if (bos && first)
    tokens.push_back(*first);
  cut(
      text, special, [&](std::string_view piece) { bpe.encode(piece, tokens); },
      [&](int32_t token) { tokens.push_back(token); });
  return tokens;
}

void Tokenizer::cut(std::string_view text, bool special,
                    const PieceFunction &onPiece,
                    const std::function<void(int32_t)> &onAdded) const {
  cut(text, special ? Ranges{{0, text.size()}} : Ranges(), onPiece, onAdded);
}

void Tokenizer::cut(std::string_view text, const Ranges &special,
                    const PieceFunction &onPiece,
                    const std::function<void(int32_t)> &onAdded) const {
  size_t begin = 0; // of the text after the last added token
  auto range = special.begin();
  for (size_t i = 0; i < text.size();) {
    while (range != special.end() && range->second <= i)
      ++range;
    const bool isInside = range != special.end() && range->first <= i;
    std::optional<int32_t> id;
    if (isInside)
      id = findAdded(text.substr(i, range->second - i), true);
    if (!isInside || range->second < text.size()) {
      const auto plain = findAdded(text.substr(i), false);
      if (plain &&
          (!id || entries[*plain].bytes.size() > entries[*id].bytes.size()))
        id = plain;
    }
    if (!id) {
      ++i;
      continue;
    }
    const TokenEntry &token = entries[*id];
    std::string_view before = text.substr(begin, i - begin);
    if (token.stripLeft)
      before = before.substr(0, before.find_last_not_of(whiteSpace) + 1);
    cutText(before, begin == 0, onPiece);
    onAdded(*id);
    i += token.bytes.size();
    if (token.stripRight)
      i = std::min(text.find_first_not_of(whiteSpace, i), text.size());
    begin = i;
  }
  cutText(text.substr(begin), begin == 0, onPiece);
}

void Tokenizer::cutCharacters(std::string_view text, bool isFirst,
                              const PieceFunction &onPiece) const {
  std::string prefixed;
  if (!text.empty() && (prefixesSpaces || text[0] != ' ') &&
      (prefix == PrefixSpace::Always ||
       (prefix == PrefixSpace::First && isFirst)))
    text = prefixed = " " + std::string(text);
  size_t begin = 0;
  for (size_t i = 1; i < text.size(); ++i)
    if (text[i] == ' ' &&
        (splitsAtSpaces || (cutsAtSpaces && text[i - 1] != ' '))) {
      onPiece(text.substr(begin, i - begin));
      begin = i;
    }
  if (begin < text.size())
    onPiece(text.substr(begin));
}

/// A run of bytes that are no UTF-8 is a piece of its own, which no expression
/// sees.
void Tokenizer::cutText(std::string_view text, bool isFirst,
                        const PieceFunction &onPiece) const {
  if (characters)
    return cutCharacters(text, isFirst, onPiece);
  size_t begin = 0; // of the run
  bool wellFormed = true;
  auto passUntil = [&](size_t end) {
    std::string_view run = text.substr(begin, end - begin);
    if (!run.empty())
      wellFormed ? cutPiece(run, 0, onPiece) : onPiece(run);
    begin = end;
  };
  for (size_t i = 0; i < text.size();) {
    size_t length;
    const bool isCharacter =
        classifyUtf8(text.substr(i), length) == Utf8::Character;
    if (isCharacter != wellFormed) {
      passUntil(i);
      wellFormed = isCharacter;
    }
    i += length;
  }
  passUntil(text.size());
}

void Tokenizer::cutPiece(std::string_view piece, size_t index,
                         const PieceFunction &onPiece) const {
  if (index == steps.size())
    return onPiece(piece);
  const Step &step = steps[index];
  std::string prefixed;
  if (step.prefixSpace && piece.front() != ' ')
    piece = prefixed = " " + std::string(piece);
  if (!step.regex)
    return cutPiece(piece, index + 1, onPiece);
  step.regex->split(piece, [&](std::string_view part) {
    cutPiece(part, index + 1, onPiece);
  });
}

std::string_view Tokenizer::bytes(int32_t token) const {
  if (token < 0 || static_cast<uint32_t>(token) >= vocabSize)
    throw Error("the token " + std::to_string(token) + " is not in [0, " +
                std::to_string(vocabSize) + ")");
  auto index = static_cast<size_t>(token);
  return index < entries.size() ? std::string_view(entries[index].bytes)
                                : std::string_view();
}

bool Tokenizer::isSpecial(int32_t token) const {
  auto index = static_cast<size_t>(token); // negative ones become large
  return index < entries.size() && entries[index].kind == TokenKind::Special;
}
