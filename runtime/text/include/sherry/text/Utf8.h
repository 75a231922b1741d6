//===- Utf8.h - Whole characters of UTF-8 -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds where characters end, in text that may be malformed or cut off.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_UTF8_H
#define SHERRY_TEXT_UTF8_H

#include <cstddef>
#include <string>
#include <string_view>

namespace sherry::runtime {

/// The kind of the bytes at the start of a text.
enum class Utf8 { Character, Incomplete, Malformed };

/// Classifies the start of `text`, which is not empty (Unicode standard, table
/// 3-7). Writes to `length` the number of bytes of the character; if it is
/// incomplete, of the bytes that are there; if it is malformed, 1.
Utf8 classifyUtf8(std::string_view text, size_t &length);

/// The first character of `text`, which is well-formed.
char32_t decodeUtf8(std::string_view text);
void appendUtf8(std::string &text, char32_t character);

/// The number of bytes of white space (White_Space of Unicode) that `text`
/// begins or ends with.
size_t countLeadingSpace(std::string_view text);
size_t countTrailingSpace(std::string_view text);

/// The number of bytes of the last character of `text`; 0 if `text` does not
/// end with a character.
size_t lastUtf8Length(std::string_view text);

/// The number of bytes at the end of `text` that further bytes could make a
/// character.
size_t incompleteUtf8Tail(std::string_view text);

/// Passes bytes on as soon as they make whole characters. Malformed bytes pass
/// unchanged.
class Utf8Buffer {
public:
  /// Appends `bytes` and returns the text that is complete now.
  std::string push(std::string_view bytes);
  /// Returns the bytes that were held back.
  std::string finish();

private:
  std::string held;
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_UTF8_H
