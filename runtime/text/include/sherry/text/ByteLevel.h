//===- ByteLevel.h - The alphabet of byte-level vocabularies ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Byte-level tokenizers write each byte as one printable character, as GPT-2's
// encoder does: bytes that are printable in Latin-1 as themselves, the other
// 68, in order, as the characters from U+0100 on.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_BYTELEVEL_H
#define SHERRY_TEXT_BYTELEVEL_H

#include <optional>
#include <string>
#include <string_view>

namespace sherry::runtime {

/// The expression by which GPT-2 cuts text into words.
inline constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// The bytes that `text`, well-formed UTF-8, stands for; nothing if `text` has
/// a character outside the alphabet.
std::optional<std::string> decodeByteLevel(std::string_view text);

/// `bytes` in the alphabet, in UTF-8.
std::string encodeByteLevel(std::string_view bytes);

} // namespace sherry::runtime

#endif // SHERRY_TEXT_BYTELEVEL_H
