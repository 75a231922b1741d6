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

/// The first and the last of code points that follow each other.
using Range = std::pair<char32_t, char32_t>;

/// All code points of Unicode that are others (control, format, private, not
/// assigned) or separators. The library that has them knows no list of them:
/// they are found in the text of all characters.
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
    return byte >= 0x20 && byte != 0x7F; // a byte that is no UTF-8 stays
  }
  static const std::vector<Range> ranges = findUnprintable();
  const char32_t point = sherry::runtime::decodeUtf8(character);
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), point,
      [](char32_t one, const Range &range) { return one < range.first; });
  return after == ranges.begin() || std::prev(after)->second < point;
}
