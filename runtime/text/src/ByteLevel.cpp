//===- ByteLevel.cpp - The alphabet of byte-level vocabularies ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/ByteLevel.h"

#include <array>

using namespace sherry::runtime;

/// The byte of each character; -1: not in the alphabet.
static std::array<int, 256 + 68> makeAlphabet() {
  std::array<int, 256 + 68> bytes;
  bytes.fill(-1);
  size_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    bool printable =
        (byte > ' ' && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
    bytes[printable ? static_cast<size_t>(byte) : next++] = byte;
  }
  return bytes;
}

std::optional<std::string>
sherry::runtime::decodeByteLevel(std::string_view text) {
  static const auto alphabet = makeAlphabet();
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t character = static_cast<unsigned char>(text[i]);
    if (character >= 0xe0)
      return std::nullopt; // three bytes or more: not in the alphabet
    if (character >= 0xc0 && i + 1 < text.size())
      character = (character & 0x1f) << 6 | (text[++i] & 0x3f);
    if (character >= alphabet.size() || alphabet[character] < 0)
      return std::nullopt;
    bytes += static_cast<char>(alphabet[character]);
  }
  return bytes;
}

std::string sherry::runtime::encodeByteLevel(std::string_view bytes) {
  static const auto characters = [] {
    const auto alphabet = makeAlphabet();
    std::array<size_t, 256> result = {};
    for (size_t character = 0; character < alphabet.size(); ++character)
      if (alphabet[character] >= 0)
        result[static_cast<size_t>(alphabet[character])] = character;
    return result;
  }();
  std::string text;
  for (char byte : bytes) {
    size_t character = characters[static_cast<unsigned char>(byte)];
    if (character >= 0x80)
      text += static_cast<char>(0xc0 | character >> 6);
    text += static_cast<char>(character < 0x80 ? character
                                               : 0x80 | (character & 0x3f));
  }
  return text;
}
