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

/// What the bytes at the start of a text are.
enum class Utf8 { Character, Incomplete, Malformed };

/// Classifies the start of `text`, which is not empty (Unicode standard, table
/// 3-7). `length`: the bytes of the character; of those at hand if it is
/// incomplete; 1 if it is malformed.
Utf8 classifyUtf8(std::string_view text, size_t &length);

/// The first character of `text`, which is well-formed.
char32_t decodeUtf8(std::string_view text);
void appendUtf8(std::string &text, char32_t character);

/// The bytes of white space (White_Space of Unicode) that `text` begins or ends
/// with.
size_t countLeadingSpace(std::string_view text);
size_t countTrailingSpace(std::string_view text);

/// The bytes of the last character of `text`; 0 if it ends with none.
size_t lastUtf8Length(std::string_view text);

/// Bytes at the end of `text` that more bytes could make a character.
size_t incompleteUtf8Tail(std::string_view text);

/// Passes bytes on as soon as they make whole characters. What can never be one
/// passes as it is.
class Utf8Buffer {
public:
  /// Returns what is complete with `bytes` appended.
  std::string push(std::string_view bytes);
  /// Returns what was held back.
  std::string finish();

private:
  std::string held;
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_UTF8_H
