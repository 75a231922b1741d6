//===- Text.h - Text that remembers where it comes from ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_TEXT_H
#define SHERRY_TEXT_JINJA_TEXT_H

#include "sherry/text/jinja/Memory.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sherry::jinja {

/// The origin of bytes. Names of special tokens become these tokens only in
/// bytes that the template itself writes.
enum class Origin : char { Template, Message };

/// UTF-8 with an origin for every byte; all texts that are made of it keep the
/// origins. Each byte that is not UTF-8 counts as a character.
class Text {
public:
  /// The most bytes of a text; making a longer one throws Error.
  static constexpr size_t maxSize = size_t{1} << 24;

  Text() = default;
  Text(std::string_view bytes, Origin origin = Origin::Template) {
    append(bytes, origin);
  }

  const std::string &bytes() const { return text; }
  bool empty() const { return text.empty(); }
  size_t size() const { return text.size(); }
  Origin originAt(size_t byte) const {
    return static_cast<Origin>(origins[byte]);
  }

  void append(std::string_view bytes, Origin origin);
  void append(const Text &other) { append(other, 0, other.size()); }
  /// Appends the bytes [begin, end) of `other`, another object.
  void append(const Text &other, size_t begin, size_t end);
  /// The bytes [begin, end).
  Text slice(size_t begin, size_t end) const;
  Text repeat(size_t count) const;

  /// The offset of each character, and the size of the text.
  std::vector<size_t> characterBegins() const;
  size_t countCharacters() const;

  /// Without characters of `set` at the ends, as Python's strip; without white
  /// space if `set` is null.
  Text strip(const Text *set, bool left, bool right) const;
  /// Replaces at most `count` occurrences of `old`; negative: all.
  Text replace(const Text &old, const Text &replacement, int64_t count) const;
  /// Python's split, at white space if `separator` is null; at most `limit`
  /// times (negative: no limit), with `fromRight` from the right.
  std::vector<Text> split(const Text *separator, int64_t limit,
                          bool fromRight) const;
  std::vector<Text> splitLines() const;
  /// The offset of the first or last occurrence of `part`; npos if there is
  /// none.
  size_t find(const Text &part, bool fromRight) const;
  /// The number of occurrences of `part`, which is not empty, without overlap.
  size_t count(const Text &part) const;

  // Letters that are not ASCII stay as they are.
  Text upper() const;
  Text lower() const;
  Text capitalize() const;
  Text titleLetters() const; ///< as Python: after every non-letter
  Text titleWords() const;   ///< as Jinja: after spaces, hyphens and brackets

private:
  Text mapBytes(char (*function)(char byte, char before)) const;
  std::vector<Text> splitWords(int64_t limit, bool fromRight) const;

  Footprint footprint;
  std::string text;
  std::string origins; ///< of each byte, an Origin
};

/// Whether Python treats a character as white space.
bool isSpace(std::string_view character);
/// Whether Python's repr writes a character unescaped.
bool isPrintable(std::string_view character);
/// The code point of a character; UINT32_MAX for a byte that is not UTF-8.
uint32_t decode(std::string_view character);
/// The number of bytes of the first character of `text`, which is not empty.
size_t characterSize(std::string_view text);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_TEXT_H
