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

/// Where bytes come from. Names of special tokens mean something only in what
/// the template itself writes.
enum class Origin : char { Template, Message };

/// UTF-8 whose every byte has an origin, which all that is made of it keeps.
/// Bytes that are no UTF-8 count as a character each.
class Text {
public:
  /// Most bytes of a text; what would be longer throws Error.
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

  /// Where each character begins, and the end.
  std::vector<size_t> characterBegins() const;
  size_t countCharacters() const;

  /// Without characters of `set` at the ends, as Python's strip; without white
  /// space if `set` is null.
  Text strip(const Text *set, bool left, bool right) const;
  /// At most `count` occurrences replaced; negative: all.
  Text replace(const Text &old, const Text &replacement, int64_t count) const;
  /// Python's split; at white space if `separator` is null. `fromRight`: where
  /// `limit` (negative: none) counts from the right.
  std::vector<Text> split(const Text *separator, int64_t limit,
                          bool fromRight) const;
  std::vector<Text> splitLines() const;
  /// The byte where `part` is first or last found; npos if it is not there.
  size_t find(const Text &part, bool fromRight) const;
  /// How often `part`, which is not empty, is there without overlap.
  size_t count(const Text &part) const;

  // Letters that are not ASCII stay as they are.
  Text upper() const;
  Text lower() const;
  Text capitalize() const;
  Text titleLetters() const; ///< as Python: after all that is no letter
  Text titleWords() const;   ///< as Jinja: after spaces, hyphens and brackets

private:
  Text mapBytes(char (*function)(char byte, char before)) const;
  std::vector<Text> splitWords(int64_t limit, bool fromRight) const;

  Footprint footprint;
  std::string text;
  std::string origins; ///< of each byte, an Origin
};

/// Whether a character is white space to Python.
bool isSpace(std::string_view character);
/// Whether Python's repr writes a character as it is.
bool isPrintable(std::string_view character);
/// The code point of a character; of a byte that is no UTF-8, none.
uint32_t decode(std::string_view character);
/// Bytes of the character that `text`, which is not empty, begins with.
size_t characterSize(std::string_view text);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_TEXT_H
