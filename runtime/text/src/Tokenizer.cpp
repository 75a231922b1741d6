//===- Tokenizer.cpp - Text to tokens and back ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Tokenizer.h"
#include "Nfc.h"
#include "sherry/support/Error.h"
#include "sherry/text/ByteLevel.h"
#include "sherry/text/Utf8.h"

#include <algorithm>

using namespace sherry::runtime;

Tokenizer::Tokenizer(std::string_view json, uint32_t vocabSize,
                     std::optional<int32_t> bos, std::optional<bool> addBos)
    : vocabSize(vocabSize) {
  TokenizerConfig config = TokenizerConfig::parse(json, vocabSize);
  if (addBos.value_or(config.firstToken.has_value())) {
    first = config.firstToken ? config.firstToken : bos;
    if (!first)
      throw Error("metadata: add_bos_token is set, but there is no BOS token");
  }

  nfc = config.nfc;
  characters = config.characters;
  prefix = config.prefixSpace;
  prefixesSpaces = config.prefixesSpaces;
  splitsAtSpaces = config.splitsAtSpaces;
  if (characters)
    bpe.setCharacters();
  bpe.setUnknown(config.unknown, config.fuseUnknown);
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
  }
  // Adjacent unknown characters may be one unknown token.
  cutsAtSpaces &= hasSpace;
  added.emplace(entries, /*normalized=*/false, /*nfc=*/false);
  normalAdded.emplace(entries, /*normalized=*/true, nfc);

  for (const BpeMerge &merge : config.merges)
    bpe.addMerge(merge);
  bpe.setIgnoreMerges(config.ignoreMerges);
  for (const SplitStep &step : config.steps) {
    steps.push_back({step.prefixSpace, step.seesBytes, std::nullopt});
    if (!step.pattern.empty())
      steps.back().splitter.emplace(step.pattern, step.literal, step.behavior,
                                    step.inverts);
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool bos,
                                       bool special) const {
  return encode(text, bos, special ? Ranges{{0, text.size()}} : Ranges());
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool bos,
                                       const Ranges &special) const {
  // NFC makes at most three bytes of one byte.
  constexpr size_t maxSize = INT32_MAX / 4;
  if (text.size() > maxSize)
    throw Error("the text has " + std::to_string(text.size()) +
                " bytes; at most " + std::to_string(maxSize) +
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

/// The parts of `ranges` in [begin, end), counted from there.
static TextRanges clip(const TextRanges &ranges, size_t begin, size_t end) {
  TextRanges result;
  for (auto [first, last] : ranges)
    if (std::max(first, begin) < std::min(last, end))
      result.emplace_back(std::max(first, begin) - begin,
                          std::min(last, end) - begin);
  return result;
}

void Tokenizer::cut(std::string_view text, const Ranges &special,
                    const PieceFunction &onPiece,
                    const std::function<void(int32_t)> &onAdded) const {
  MatchBudget budget(text.size());
  std::string normal;
  added->find(
      text, special,
      [&](size_t begin, std::string_view part) {
        const bool isFirst = begin == 0;
        const size_t size = part.size();
        const bool changes = nfc && normalizeToNfc(part, normal);
        if (changes)
          part = normal;
        if (normalAdded->empty())
          return cutText(part, isFirst, budget, onPiece);
        // In normalized text, offsets differ. Special tokens are found in it if
        // they are allowed in all of it.
        Ranges inner = clip(special, begin, begin + size);
        if (changes && inner == Ranges{{0, size}})
          inner = {{0, part.size()}};
        else if (changes)
          inner.clear();
        normalAdded->find(
            part, inner,
            [&](size_t begin, std::string_view rest) {
              cutText(rest, isFirst && begin == 0, budget, onPiece);
            },
            onAdded);
      },
      onAdded);
}

void Tokenizer::cutCharacters(std::string_view text, bool isFirst,
                              const PieceFunction &onPiece) const {
  std::string changed;
  // Pieces with U+2581 stand for a space, too.
  if (text.find("\u2581") != std::string_view::npos)
    text = changed = replaceSpaceSymbols(text);
  if (!text.empty() && (prefixesSpaces || text[0] != ' ') &&
      (prefix == PrefixSpace::Always ||
       (prefix == PrefixSpace::First && isFirst)))
    text = changed = " " + std::string(text);
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

/// A run of malformed bytes is a piece of its own, which expressions do not
/// see.
void Tokenizer::cutText(std::string_view text, bool isFirst,
                        MatchBudget &budget,
                        const PieceFunction &onPiece) const {
  if (characters)
    return cutCharacters(text, isFirst, onPiece);
  size_t begin = 0; // of the run
  bool wellFormed = true;
  auto passUntil = [&](size_t end) {
    std::string_view run = text.substr(begin, end - begin);
    if (!run.empty())
      wellFormed ? cutPiece(run, 0, budget, onPiece) : onPiece(run);
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
                         MatchBudget &budget,
                         const PieceFunction &onPiece) const {
  if (index == steps.size())
    return onPiece(piece);
  const Step &step = steps[index];
  auto passOn = [&](std::string_view part) {
    cutPiece(part, index + 1, budget, onPiece);
  };
  std::string changed;
  if (step.prefixSpace && piece.front() != ' ')
    piece = changed = " " + std::string(piece);
  if (!step.splitter)
    return passOn(piece);
  if (!step.seesBytes)
    return step.splitter->split(piece, budget, passOn);
  // Each character of the alphabet stands for a byte of the piece.
  const std::string alphabet = encodeByteLevel(piece);
  size_t seen = 0, bytes = 0; // of the alphabet, of the piece
  auto countUntil = [&](size_t end) {
    for (; seen < end; ++seen)
      bytes += (static_cast<unsigned char>(alphabet[seen]) & 0xc0) != 0x80;
    return bytes;
  };
  step.splitter->split(alphabet, budget, [&](std::string_view part) {
    const auto at = static_cast<size_t>(part.data() - alphabet.data());
    const size_t begin = countUntil(at);
    passOn(piece.substr(begin, countUntil(at + part.size()) - begin));
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

std::string Tokenizer::droppedBytes() const {
  // Only bytes that occur in UTF-8.
  std::string dropped;
  for (int byte = 0; byte < 0xf5; ++byte)
    if (byte != 0xc0 && byte != 0xc1 &&
        bpe.drops(static_cast<unsigned char>(byte)))
      dropped += static_cast<char>(byte);
  return dropped;
}
