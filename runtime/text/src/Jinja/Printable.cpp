//===- Printable.cpp - Characters that Python escapes ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Regex.h"
#include "sherry/text/Utf8.h"
#include "sherry/text/jinja/Text.h"

#include <algorithm>

using namespace sherry::jinja;

/// The first and the last code point of a range.
using Range = std::pair<char32_t, char32_t>;

/// All code points of Unicode of the categories Other (control, format,
/// private, not assigned) and Separator. The library has no list of them, so
/// they are found by matching a text of all characters.
static std::vector<Range> findUnprintable() {
  constexpr char32_t end = 0x110000, surrogates = 0xD800, afterThem = 0xE000;
  std::string all;
  for (char32_t point = 0; point < end; ++point)
    if (point < surrogates || point >= afterThem)
      sherry::runtime::appendUtf8(all, point);
  const sherry::runtime::Regex expression("[\\p{C}\\p{Z}]+", /*literal=*/false);
  sherry::runtime::MatchBudget budget(all.size());
  std::vector<Range> ranges;
  expression.findAll(all, budget, [&](size_t begin, size_t finish) {
    const std::string_view found(all.data() + begin, finish - begin);
    const size_t last = found.size() - sherry::runtime::lastUtf8Length(found);
    ranges.emplace_back(sherry::runtime::decodeUtf8(found),
                        sherry::runtime::decodeUtf8(found.substr(last)));
  });
  return ranges;
}

bool sherry::jinja::isPrintable(std::string_view character) {
  if (character.size() == 1) {
    const auto byte = static_cast<unsigned char>(character.front());
    return byte >= 0x20 && byte != 0x7F; // malformed bytes are kept
  }
  static const std::vector<Range> ranges = findUnprintable();
  const char32_t point = sherry::runtime::decodeUtf8(character);
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), point,
      [](char32_t one, const Range &range) { return one < range.first; });
  return after == ranges.begin() || std::prev(after)->second < point;
}
