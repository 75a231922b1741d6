//===- Spelling.cpp - Characters in strings of JSON -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Spelling.h"

#include <algorithm>
#include <array>
#include <string>

using namespace sherry::grammar;

namespace {

constexpr char32_t kLast = 0x10FFFF;

/// Adds the UTF-8 of the characters between two characters of the same length.
class Utf8Ways {
public:
  Utf8Ways(Nfa &nfa, uint32_t to) : nfa(nfa), to(to) {}

  void add(uint32_t from, char32_t low, char32_t high, unsigned length) {
    add(from, encode(low, length), encode(high, length), 0, length);
  }

private:
  using Bytes = std::array<uint8_t, 4>;

  static Bytes encode(char32_t c, unsigned length) {
    constexpr uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    Bytes bytes = {};
    for (unsigned i = length; i-- > 1; c >>= 6)
      bytes[i] = 0x80 | (c & 0x3F);
    bytes[0] = static_cast<uint8_t>(lead[length] | c);
    return bytes;
  }

  void add(uint32_t from, const Bytes &low, const Bytes &high, unsigned at,
           unsigned length) {
    if (at + 1 == length) {
      nfa.addEdge(from, low[at], high[at], to);
      return;
    }
    Bytes least = low, most = high;
    std::fill(least.begin() + at + 1, least.end(), 0x80);
    std::fill(most.begin() + at + 1, most.end(), 0xBF);
    unsigned first = low[at], last = high[at];
    if (first == last) {
      follow(from, first, last, low, high, at, length);
      return;
    }
    if (!std::equal(low.begin() + at + 1, low.begin() + length,
                    least.begin() + at + 1)) {
      follow(from, first, first, low, most, at, length);
      ++first;
    }
    if (!std::equal(high.begin() + at + 1, high.begin() + length,
                    most.begin() + at + 1)) {
      follow(from, last, last, least, high, at, length);
      --last;
    }
    if (first <= last)
      follow(from, first, last, least, most, at, length);
  }

  void follow(uint32_t from, unsigned first, unsigned last, const Bytes &low,
              const Bytes &high, unsigned at, unsigned length) {
    const uint32_t next = nfa.add(/*inside=*/true);
    nfa.addEdge(from, static_cast<uint8_t>(first), static_cast<uint8_t>(last),
                next);
    add(next, low, high, at + 1, length);
  }

  Nfa &nfa;
  uint32_t to;
};

/// Adds the spellings of characters that must be escaped.
class EscapedWays {
public:
  EscapedWays(Nfa &nfa, uint32_t from, uint32_t to)
      : nfa(nfa), from(from), to(to) {}

  void add(char32_t c) {
    if (backslash == 0) {
      backslash = nfa.add(/*inside=*/true);
      nfa.addEdge(from, '\\', '\\', backslash);
    }
    if (const char letter = shortEscape(c)) {
      nfa.addEdge(backslash, letter, letter, to);
      return;
    }
    const unsigned digit = c % 16;
    addDigit(digit < 10 ? '0' + digit : 'a' + digit - 10, c / 16);
    if (digit >= 10)
      addDigit('A' + digit - 10, c / 16);
  }

private:
  static char shortEscape(char32_t c) {
    switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    default:
      return 0;
    }
  }

  void addDigit(unsigned digit, size_t half) {
    if (!unicode) {
      unicode = backslash;
      for (const char byte : {'u', '0', '0'}) {
        const uint32_t next = nfa.add(true);
        nfa.addEdge(unicode, byte, byte, next);
        unicode = next;
      }
    }
    if (!halves[half]) {
      halves[half] = nfa.add(true);
      nfa.addEdge(unicode, '0' + half, '0' + half, halves[half]);
    }
    nfa.addEdge(halves[half], digit, digit, to);
  }

  Nfa &nfa;
  uint32_t from, to;
  // 0: not made yet; the Nfa uses state 0 before.
  uint32_t backslash = 0, unicode = 0;
  std::array<uint32_t, 2> halves = {};
};

} // namespace

void sherry::grammar::normalize(Characters &ranges) {
  std::sort(ranges.begin(), ranges.end());
  Characters result;
  for (const auto &range : ranges) {
    if (!result.empty() && range.first <= result.back().second + 1)
      result.back().second = std::max(result.back().second, range.second);
    else
      result.push_back(range);
  }
  ranges = std::move(result);
}

Characters sherry::grammar::complement(const Characters &ranges) {
  Characters result;
  char32_t next = 0;
  for (const auto &[low, high] : ranges) {
    if (next < low)
      result.emplace_back(next, low - 1);
    next = high + 1;
  }
  if (next <= kLast)
    result.emplace_back(next, kLast);
  return result;
}

void sherry::grammar::addCharacters(Nfa &nfa, uint32_t from,
                                    const Characters &ranges, uint32_t to) {
  // Ranges of characters that are not escaped, by their number of bytes.
  struct Plain {
    char32_t low, high;
    unsigned length;
  };
  static constexpr Plain kPlain[] = {
      {0x20, 0x21, 1},     {0x23, 0x5B, 1},    {0x5D, 0x7F, 1},
      {0x80, 0x7FF, 2},    {0x800, 0xD7FF, 3}, {0xE000, 0xFFFF, 3},
      {0x10000, kLast, 4},
  };
  Utf8Ways plainWays(nfa, to);
  EscapedWays escapedWays(nfa, from, to);
  for (const auto &[low, high] : ranges) {
    for (const Plain &plain : kPlain)
      if (low <= plain.high && high >= plain.low)
        plainWays.add(from, std::max(low, plain.low),
                      std::min(high, plain.high), plain.length);
    for (char32_t c = low; c <= high && c < 0x20; ++c)
      escapedWays.add(c);
    for (const char32_t c : {U'"', U'\\'})
      if (low <= c && c <= high)
        escapedWays.add(c);
  }
}

StateId sherry::grammar::buildCharacter(Builder &builder) {
  const auto hex = [&](StateId next) {
    return builder.bytes(
        {{'0', '9', next}, {'A', 'F', next}, {'a', 'f', next}});
  };
  const StateId hex1 = hex(kReturn), hex2 = hex(hex1), hex3 = hex(hex2);
  // The other half of a pair: \uDC00 to \uDFFF.
  const StateId lowHalf = builder.literal(
      "\\u",
      builder.bytes(
          {{'D', 'D', builder.bytes({{'C', 'F', hex2}, {'c', 'f', hex2}})},
           {'d', 'd', builder.bytes({{'C', 'F', hex2}, {'c', 'f', hex2}})}}));
  const StateId highHalf = hex(hex(lowHalf));
  const StateId afterD = builder.bytes({{'0', '7', hex2},
                                        {'8', '9', highHalf},
                                        {'A', 'B', highHalf},
                                        {'a', 'b', highHalf}});
  const StateId unicode = builder.bytes({{'0', '9', hex3},
                                         {'A', 'C', hex3},
                                         {'D', 'D', afterD},
                                         {'E', 'F', hex3},
                                         {'a', 'c', hex3},
                                         {'d', 'd', afterD},
                                         {'e', 'f', hex3}});
  std::vector<Edge> escapes = {{'u', 'u', unicode}};
  for (const uint8_t byte : std::string_view("\"\\/bfnrt"))
    escapes.push_back({byte, byte, kReturn});

  // Table 3-7 of the Unicode standard.
  const StateId tail1 = builder.range(0x80, 0xBF, kReturn);
  const StateId tail2 = builder.range(0x80, 0xBF, tail1);
  const StateId tail3 = builder.range(0x80, 0xBF, tail2);
  return builder.bytes({{0x5D, 0x7F, kReturn},
                        {0x23, 0x5B, kReturn},
                        {0x20, 0x21, kReturn},
                        {'\\', '\\', builder.bytes(escapes)},
                        {0xC2, 0xDF, tail1},
                        {0xE0, 0xE0, builder.range(0xA0, 0xBF, tail1)},
                        {0xE1, 0xEC, tail2},
                        {0xED, 0xED, builder.range(0x80, 0x9F, tail1)},
                        {0xEE, 0xEF, tail2},
                        {0xF0, 0xF0, builder.range(0x90, 0xBF, tail2)},
                        {0xF1, 0xF3, tail3},
                        {0xF4, 0xF4, builder.range(0x80, 0x8F, tail2)}});
}
