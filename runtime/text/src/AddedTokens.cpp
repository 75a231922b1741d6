//===- AddedTokens.cpp - Tokens that are found in texts -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/AddedTokens.h"
#include "Nfc.h"
#include "sherry/text/Utf8.h"

#include <algorithm>

using namespace sherry::runtime;

/// \w of Rust's expressions (Unicode Technical Standard #18, Annex C).
static constexpr char wordPattern[] =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}])";

AddedTokens::AddedTokens(const std::vector<TokenEntry> &entries,
                         bool normalized, bool nfc) {
  for (size_t id = 0; id < entries.size(); ++id) {
    const TokenEntry &entry = entries[id];
    const bool isSpecial = entry.kind == TokenKind::Special;
    if ((entry.kind != TokenKind::Added && !isSpecial) ||
        entry.normalized != normalized)
      continue;
    const auto place = static_cast<uint32_t>(tokens.size());
    tokens.push_back({static_cast<int32_t>(id), entry.bytes, entry.stripLeft,
                      entry.stripRight, entry.singleWord});
    std::string &text = tokens.back().text;
    if (nfc)
      normalizeToNfc(entry.bytes, text);
    const auto first = static_cast<unsigned char>(text[0]);
    all[first].push_back(place);
    if (!isSpecial)
      ordinary[first].push_back(place);
    if (entry.singleWord && !wordCharacter)
      wordCharacter.emplace(wordPattern, /*literal=*/false);
  }
  for (Index *index : {&ordinary, &all})
    for (auto &places : *index)
      std::stable_sort(places.begin(), places.end(),
                       [&](uint32_t a, uint32_t b) {
                         return tokens[a].text < tokens[b].text;
                       });
}

/// The longest token that `text` begins with. Narrows the range of tokens byte
/// by byte.
const AddedTokens::Token *AddedTokens::findLongest(std::string_view text,
                                                   bool special) const {
  const auto &places =
      (special ? all : ordinary)[static_cast<unsigned char>(text[0])];
  const Token *longest = nullptr;
  auto begin = places.begin(), end = places.end();
  for (size_t size = 1; begin != end; ++size) {
    if (tokens[*begin].text.size() == size)
      longest = &tokens[*begin];
    if (size == text.size())
      break;
    // Tokens that end here come first.
    const auto byteOf = [&](uint32_t place) {
      const std::string &bytes = tokens[place].text;
      return bytes.size() == size ? -1
                                  : static_cast<unsigned char>(bytes[size]);
    };
    const int byte = static_cast<unsigned char>(text[size]);
    begin = std::partition_point(
        begin, end, [&](uint32_t place) { return byteOf(place) < byte; });
    end = std::partition_point(
        begin, end, [&](uint32_t place) { return byteOf(place) == byte; });
  }
  return longest;
}

/// Whether a letter or digit is adjacent to a part of `text`.
bool AddedTokens::isPartOfWord(std::string_view text, size_t begin,
                               size_t end) const {
  auto isWord = [&](std::string_view character) {
    bool found = false;
    MatchBudget budget(character.size());
    wordCharacter->findAll(character, budget,
                           [&](size_t, size_t) { found = true; });
    return found;
  };
  const size_t before = lastUtf8Length(text.substr(0, begin));
  size_t after = 0;
  const bool hasNext = end < text.size() &&
                       classifyUtf8(text.substr(end), after) == Utf8::Character;
  return (before > 0 && isWord(text.substr(begin - before, before))) ||
         (hasNext && isWord(text.substr(end, after)));
}

void AddedTokens::find(
    std::string_view text, const TextRanges &special,
    const std::function<void(size_t, std::string_view)> &onText,
    const std::function<void(int32_t)> &onToken) const {
  size_t begin = 0; // of the text after the last token
  auto range = special.begin();
  for (size_t i = 0; i < text.size();) {
    while (range != special.end() && range->second <= i)
      ++range;
    const bool isInside = range != special.end() && range->first <= i;
    const Token *token = nullptr;
    if (isInside)
      token = findLongest(text.substr(i, range->second - i), true);
    if (!isInside || range->second < text.size()) {
      const Token *plain = findLongest(text.substr(i), false);
      if (plain && (!token || plain->text.size() > token->text.size()))
        token = plain;
    }
    if (!token) {
      ++i;
      continue;
    }
    const size_t end = i + token->text.size();
    if (token->singleWord && isPartOfWord(text, i, end)) {
      i = end;
      continue;
    }
    std::string_view before = text.substr(begin, i - begin);
    if (token->stripLeft)
      before.remove_suffix(countTrailingSpace(before));
    onText(begin, before);
    onToken(token->id);
    i = end;
    if (token->stripRight)
      i += countLeadingSpace(text.substr(i));
    begin = i;
  }
  onText(begin, text.substr(begin));
}
