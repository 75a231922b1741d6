//===- Nfc.cpp - Unicode's normalization form C ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Nfc.h"
#include "sherry/text/Utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

using namespace sherry::runtime;

namespace {
struct Pair {
  char32_t whole, first, second;
};
struct Single {
  char32_t whole, part;
};
struct ClassRun {
  char32_t first, last;
  uint8_t number;
};
} // namespace

#include "NfcData.inc"

/// Hangul syllables are computed (The Unicode Standard, section 3.12).
namespace hangul {
static constexpr char32_t syllables = 0xac00, leads = 0x1100, vowels = 0x1161,
                          tails = 0x11a7; // the first is no tail
static constexpr uint32_t numLeads = 19, numVowels = 21, numTails = 28;
static constexpr uint32_t numSyllables = numLeads * numVowels * numTails;
} // namespace hangul

static bool isIn(char32_t c, char32_t first, uint32_t count) {
  return c >= first && c - first < count;
}

/// The row that begins with `c`; null if there is none.
template <typename Row, size_t size, typename Key>
static const Row *findRow(const Row (&rows)[size], char32_t c, Key key) {
  const Row *row = std::lower_bound(
      std::begin(rows), std::end(rows), c,
      [&](const Row &row, char32_t c) { return key(row) < c; });
  return row != std::end(rows) && key(*row) == c ? row : nullptr;
}

static uint8_t getClass(char32_t c) {
  const ClassRun *run = std::upper_bound(
      std::begin(kClasses), std::end(kClasses), c,
      [](char32_t c, const ClassRun &run) { return c < run.first; });
  return run != std::begin(kClasses) && c <= run[-1].last ? run[-1].number : 0;
}

/// The character that two characters in a row become; 0: none.
static char32_t compose(char32_t first, char32_t second) {
  using Entry = std::pair<uint64_t, char32_t>;
  auto makeKey = [](char32_t first, char32_t second) {
    return uint64_t{first} << 32 | second;
  };
  static const std::vector<Entry> entries = [&] {
    std::vector<Entry> entries;
    for (const Pair &pair : kPairs)
      if (!std::binary_search(std::begin(kExcluded), std::end(kExcluded),
                              pair.whole))
        entries.emplace_back(makeKey(pair.first, pair.second), pair.whole);
    std::sort(entries.begin(), entries.end());
    return entries;
  }();
  if (isIn(first, hangul::leads, hangul::numLeads) &&
      isIn(second, hangul::vowels, hangul::numVowels))
    return hangul::syllables + ((first - hangul::leads) * hangul::numVowels +
                                (second - hangul::vowels)) *
                                   hangul::numTails;
  if (isIn(first, hangul::syllables, hangul::numSyllables) &&
      (first - hangul::syllables) % hangul::numTails == 0 &&
      isIn(second, hangul::tails + 1, hangul::numTails - 1))
    return first + (second - hangul::tails);
  const Entry wanted(makeKey(first, second), 0);
  auto it = std::lower_bound(entries.begin(), entries.end(), wanted);
  return it != entries.end() && it->first == wanted.first ? it->second : 0;
}

/// Whether neither a character nor the text before it can change, whatever
/// follows: NFC_Quick_Check is Yes and the combining class 0.
static bool isBoundary(char32_t c) {
  // All characters that are no boundaries, in order.
  static const std::vector<char32_t> others = [] {
    std::vector<char32_t> list(std::begin(kExcluded), std::end(kExcluded));
    for (const Single &single : kSingles)
      list.push_back(single.whole);
    for (const ClassRun &run : kClasses)
      for (char32_t c = run.first; c <= run.last; ++c)
        list.push_back(c);
    for (const Pair &pair : kPairs)
      if (compose(pair.first, pair.second) == pair.whole)
        list.push_back(pair.second);
    std::sort(list.begin(), list.end());
    return list;
  }();
  if (c < 0x300)
    return true;
  return !isIn(c, hangul::vowels, hangul::numVowels) &&
         !isIn(c, hangul::tails + 1, hangul::numTails - 1) &&
         !std::binary_search(others.begin(), others.end(), c);
}

namespace {
struct Character {
  char32_t code;
  uint8_t number; ///< combining class
};
} // namespace

static void decompose(char32_t c, std::vector<Character> &out) {
  if (isIn(c, hangul::syllables, hangul::numSyllables)) {
    const uint32_t index = c - hangul::syllables;
    const uint32_t tail = index % hangul::numTails;
    const uint32_t rest = index / hangul::numTails;
    out.push_back({hangul::leads + rest / hangul::numVowels, 0});
    out.push_back({hangul::vowels + rest % hangul::numVowels, 0});
    if (tail > 0)
      out.push_back({hangul::tails + tail, 0});
  } else if (const auto *pair = findRow(
                 kPairs, c, [](const Pair &row) { return row.whole; })) {
    decompose(pair->first, out);
    decompose(pair->second, out);
  } else if (const auto *single = findRow(
                 kSingles, c, [](const Single &row) { return row.whole; })) {
    decompose(single->part, out);
  } else {
    out.push_back({c, getClass(c)});
  }
}

/// Appends the normal form of well-formed text between two boundaries.
static void composeSegment(std::string_view text, std::string &result) {
  std::vector<Character> characters;
  for (size_t i = 0, length; i < text.size(); i += length) {
    classifyUtf8(text.substr(i), length);
    decompose(decodeUtf8(text.substr(i)), characters);
  }
  // Marks that follow a character, by their classes.
  auto isMark = [](const Character &c) { return c.number != 0; };
  for (auto begin = characters.begin(); begin != characters.end();) {
    begin = std::find_if(begin, characters.end(), isMark);
    auto end = std::find_if_not(begin, characters.end(), isMark);
    std::stable_sort(begin, end, [](const Character &a, const Character &b) {
      return a.number < b.number;
    });
    begin = end;
  }

  constexpr size_t none = SIZE_MAX;
  size_t starter = none, kept = 0; // indices into characters
  for (const Character c : characters) {
    // A mark composes with its starter unless a mark of its class, or another
    // character, is between them.
    const bool isNext = starter != none && starter + 1 == kept;
    if (starter != none && (isNext || characters[kept - 1].number < c.number))
      if (char32_t whole = compose(characters[starter].code, c.code)) {
        characters[starter].code = whole;
        continue;
      }
    if (c.number == 0)
      starter = kept;
    characters[kept++] = c;
  }
  for (size_t i = 0; i < kept; ++i)
    appendUtf8(result, characters[i].code);
}

bool sherry::runtime::normalizeToNfc(std::string_view text,
                                     std::string &result) {
  // The lead byte of U+0300.
  constexpr unsigned char firstActive = 0xcc;
  auto isActive = [](char byte) {
    return static_cast<unsigned char>(byte) >= firstActive;
  };
  size_t i = static_cast<size_t>(
      std::find_if(text.begin(), text.end(), isActive) - text.begin());
  if (i == text.size())
    return false;
  // It may change the character before it.
  const size_t before = i - lastUtf8Length(text.substr(0, i));
  size_t segment = before; // offset of the last boundary
  std::string normal;
  size_t done = 0;        // bytes of the text that are in the result
  bool isInactive = true; // the segment is one character
  auto finish = [&](size_t end) {
    if (!isInactive) {
      normal.append(text.substr(done, segment - done));
      composeSegment(text.substr(segment, end - segment), normal);
      done = end;
    }
    isInactive = true;
  };
  for (size_t length; i < text.size(); i += length) {
    const bool isCharacter =
        classifyUtf8(text.substr(i), length) == Utf8::Character;
    if (isCharacter && isActive(text[i]) &&
        !isBoundary(decodeUtf8(text.substr(i)))) {
      isInactive = false;
      continue;
    }
    finish(i);
    segment = isCharacter ? i : i + length;
  }
  finish(text.size());
  if (done == 0 && normal.empty())
    return false;
  normal.append(text.substr(done));
  if (normal == text)
    return false;
  result = std::move(normal);
  return true;
}
