//===- Text.cpp - Text that remembers where it comes from -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Text.h"
#include "sherry/text/jinja/Error.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

using namespace sherry::jinja;

/// The most parts of a text that is split.
static constexpr size_t maxParts = size_t{1} << 18;
/// The most bytes of a set of characters.
static constexpr size_t maxStripped = 1000;

size_t sherry::jinja::characterSize(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t size = lead < 0xC2   ? 1
                      : lead < 0xE0 ? 2
                      : lead < 0xF0 ? 3
                      : lead < 0xF5 ? 4
                                    : 1;
  if (size > text.size())
    return 1;
  for (size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80)
      return 1;
  return size;
}

uint32_t sherry::jinja::decode(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1)
    return lead < 0x80 ? lead : UINT32_MAX;
  uint32_t point = lead & (0xFF >> (character.size() + 1));
  for (char byte : character.substr(1))
    point = point << 6 | (static_cast<unsigned char>(byte) & 0x3F);
  return point;
}

bool sherry::jinja::isSpace(std::string_view character) {
  const uint32_t point = decode(character);
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) ||
         point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F ||
         point == 0x3000;
}

[[noreturn]] static void failTooLong() {
  throw Error("a text becomes longer than " + std::to_string(Text::maxSize) +
              " bytes");
}

void Text::append(std::string_view bytes, Origin origin) {
  if (bytes.size() > maxSize - text.size())
    failTooLong();
  footprint.grow(2 * bytes.size());
  text.append(bytes);
  origins.append(bytes.size(), static_cast<char>(origin));
}

void Text::append(const Text &other, size_t begin, size_t end) {
  if (end - begin > maxSize - text.size())
    failTooLong();
  footprint.grow(2 * (end - begin));
  text.append(other.text, begin, end - begin);
  origins.append(other.origins, begin, end - begin);
}

Text Text::slice(size_t begin, size_t end) const {
  Text result;
  result.append(*this, begin, end);
  return result;
}

Text Text::repeat(size_t count) const {
  Text result;
  if (empty())
    return result;
  if (count > maxSize / size())
    failTooLong();
  for (Text unit = *this; count > 0; count /= 2) {
    if (count % 2 == 1)
      result.append(unit);
    if (count > 1)
      unit.append(Text(unit));
  }
  return result;
}

std::vector<size_t> Text::characterBegins() const {
  std::vector<size_t> begins;
  const Footprint footprint((size() + 1) * sizeof(size_t));
  begins.reserve(size() + 1);
  const std::string_view view = text;
  for (size_t i = 0; i < view.size(); i += characterSize(view.substr(i)))
    begins.push_back(i);
  begins.push_back(view.size());
  return begins;
}

size_t Text::countCharacters() const {
  size_t count = 0;
  const std::string_view view = text;
  for (size_t i = 0; i < view.size(); i += characterSize(view.substr(i)))
    ++count;
  return count;
}

Text Text::strip(const Text *set, bool left, bool right) const {
  if (set && set->size() > maxStripped)
    throw Error("strip: more than " + std::to_string(maxStripped) +
                " bytes of characters");
  std::vector<std::string_view> characters;
  const std::string_view view = text;
  if (set) {
    const std::vector<size_t> begins = set->characterBegins();
    for (size_t i = 0; i + 1 < begins.size(); ++i)
      characters.push_back(std::string_view(set->text).substr(
          begins[i], begins[i + 1] - begins[i]));
    std::sort(characters.begin(), characters.end());
  }
  auto isStripped = [&](std::string_view character) {
    return set ? std::binary_search(characters.begin(), characters.end(),
                                    character)
               : isSpace(character);
  };
  size_t begin = 0, end = view.size();
  while (left && begin < end) {
    const size_t size = characterSize(view.substr(begin));
    if (!isStripped(view.substr(begin, size)))
      break;
    begin += size;
  }
  while (right && end > begin) {
    // A character has at most four bytes; the first byte gives their number.
    size_t size = 1;
    for (size_t i = 2; i <= std::min<size_t>(4, end - begin); ++i)
      if (characterSize(view.substr(end - i, i)) == i)
        size = i;
    if (!isStripped(view.substr(end - size, size)))
      break;
    end -= size;
  }
  return slice(begin, end);
}

/// Like std::string_view::find, whose time is at worst the product of both
/// lengths; the time of this function is their sum.
static size_t findPart(std::string_view text, std::string_view part,
                       size_t from) {
  const void *found =
      memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found ? static_cast<size_t>(static_cast<const char *>(found) -
                                     text.data())
               : std::string_view::npos;
}

static std::string reversed(const std::string &text) {
  return {text.rbegin(), text.rend()};
}

size_t Text::find(const Text &part, bool fromRight) const {
  if (!fromRight)
    return findPart(text, part.text, 0);
  const size_t found = findPart(reversed(text), reversed(part.text), 0);
  return found == std::string::npos ? found : size() - found - part.size();
}

size_t Text::count(const Text &part) const {
  size_t result = 0;
  for (size_t at = 0; (at = findPart(text, part.text, at)) != std::string::npos;
       at += part.size())
    ++result;
  return result;
}

Text Text::replace(const Text &old, const Text &replacement,
                   int64_t count) const {
  Text result;
  size_t begin = 0;
  const std::string_view view = text;
  for (size_t from = 0; count != 0; --count) {
    const size_t found = findPart(view, old.text, from);
    if (found == std::string_view::npos)
      break;
    result.append(*this, begin, found);
    result.append(replacement);
    begin = from = found + old.size();
    if (old.empty()) { // between all characters
      if (found == view.size())
        break;
      from += characterSize(view.substr(found));
    }
  }
  result.append(*this, begin, size());
  return result;
}

static void addPart(std::vector<Text> &parts, Text part) {
  if (parts.size() == maxParts)
    throw Error("a text is split into more than " + std::to_string(maxParts) +
                " parts");
  parts.push_back(std::move(part));
}

std::vector<Text> Text::splitWords(int64_t limit, bool fromRight) const {
  std::vector<std::pair<size_t, size_t>> words;
  const std::vector<size_t> begins = characterBegins();
  const std::string_view view = text;
  bool isInside = false;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const size_t begin = begins[i], end = begins[i + 1];
    if (isSpace(view.substr(begin, end - begin)))
      isInside = false;
    else if (isInside)
      words.back().second = end;
    else {
      words.emplace_back(begin, end);
      isInside = true;
    }
  }
  // The rest is one part, with the spaces in it and at its far end.
  if (limit >= 0 && words.size() > static_cast<uint64_t>(limit)) {
    const auto rest = words.size() - static_cast<size_t>(limit);
    if (fromRight) {
      words[rest - 1].first = 0;
      words.erase(words.begin(),
                  words.begin() + static_cast<ptrdiff_t>(rest) - 1);
    } else {
      words[static_cast<size_t>(limit)].second = size();
      words.resize(static_cast<size_t>(limit) + 1);
    }
  }
  std::vector<Text> parts;
  for (auto [begin, end] : words)
    addPart(parts, slice(begin, end));
  return parts;
}

std::vector<Text> Text::split(const Text *separator, int64_t limit,
                              bool fromRight) const {
  if (!separator)
    return splitWords(limit, fromRight);
  if (separator->empty())
    throw Error("split: the separator is empty");
  std::vector<Text> parts;
  if (fromRight) {
    const std::string mirror = reversed(text), part = reversed(separator->text);
    size_t end = size();
    for (; limit != 0; --limit) {
      const size_t found = findPart(mirror, part, size() - end);
      if (found == std::string::npos)
        break;
      addPart(parts, slice(size() - found, end));
      end = size() - found - part.size();
    }
    addPart(parts, slice(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  size_t begin = 0;
  for (; limit != 0; --limit) {
    const size_t found = findPart(text, separator->text, begin);
    if (found == std::string::npos)
      break;
    addPart(parts, slice(begin, found));
    begin = found + separator->size();
  }
  addPart(parts, slice(begin, size()));
  return parts;
}

/// Whether Python treats a character as a line end.
static bool endsLine(std::string_view character) {
  const uint32_t point = decode(character);
  return (point >= 0x0A && point <= 0x0D) || (point >= 0x1C && point <= 0x1E) ||
         point == 0x85 || point == 0x2028 || point == 0x2029;
}

std::vector<Text> Text::splitLines() const {
  std::vector<Text> lines;
  const std::string_view view = text;
  size_t begin = 0;
  for (size_t i = 0, next; i < view.size(); i = next) {
    next = i + characterSize(view.substr(i));
    if (!endsLine(view.substr(i, next - i)))
      continue;
    addPart(lines, slice(begin, i));
    if (view.compare(i, 2, "\r\n") == 0)
      ++next;
    begin = next;
  }
  if (begin < size())
    addPart(lines, slice(begin, size()));
  return lines;
}

static bool isUpper(char byte) { return byte >= 'A' && byte <= 'Z'; }
static bool isLower(char byte) { return byte >= 'a' && byte <= 'z'; }
static char toUpper(char byte, char) {
  return isLower(byte) ? static_cast<char>(byte - 'a' + 'A') : byte;
}
static char toLower(char byte, char) {
  return isUpper(byte) ? static_cast<char>(byte - 'A' + 'a') : byte;
}

Text Text::mapBytes(char (*function)(char, char)) const {
  Text result = *this;
  char before = 0;
  for (char &byte : result.text)
    byte = function(byte, std::exchange(before, byte));
  return result;
}

Text Text::upper() const { return mapBytes(toUpper); }
Text Text::lower() const { return mapBytes(toLower); }
Text Text::capitalize() const {
  return mapBytes([](char byte, char before) {
    return before == 0 ? toUpper(byte, 0) : toLower(byte, 0);
  });
}
Text Text::titleLetters() const {
  return mapBytes([](char byte, char before) {
    // Characters that are not ASCII count as letters.
    const bool isInside = isUpper(before) || isLower(before) || before < 0;
    return isInside ? toLower(byte, 0) : toUpper(byte, 0);
  });
}
Text Text::titleWords() const {
  return mapBytes([](char byte, char before) {
    constexpr std::string_view breaks("\0 \t\n\v\f\r-({[<", 12);
    return breaks.find(before) == std::string_view::npos ? toLower(byte, 0)
                                                         : toUpper(byte, 0);
  });
}
