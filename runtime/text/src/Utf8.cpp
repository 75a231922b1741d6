//===- Utf8.cpp - Whole characters of UTF-8 -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Utf8.h"

#include <algorithm>
#include <utility>

using namespace sherry::runtime;

Utf8 sherry::runtime::classifyUtf8(std::string_view text, size_t &length) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  length = 1;
  if (lead < 0x80)
    return Utf8::Character;
  if (lead < 0xc2 || lead > 0xf4)
    return Utf8::Malformed;
  const size_t need = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The range of the second byte excludes overlong forms, surrogates and
  // characters beyond U+10FFFF.
  unsigned char low = 0x80, high = 0xbf;
  if (lead == 0xe0)
    low = 0xa0;
  else if (lead == 0xed)
    high = 0x9f;
  else if (lead == 0xf0)
    low = 0x90;
  else if (lead == 0xf4)
    high = 0x8f;
  for (size_t i = 1; i < std::min(need, text.size()); ++i) {
    if (byte(i) < low || byte(i) > high)
      return Utf8::Malformed;
    low = 0x80;
    high = 0xbf;
  }
  length = std::min(need, text.size());
  return text.size() < need ? Utf8::Incomplete : Utf8::Character;
}

char32_t sherry::runtime::decodeUtf8(std::string_view text) {
  auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  auto tail = [&](size_t i) { return byte(i) & 0x3f; };
  if (byte(0) < 0x80)
    return byte(0);
  if (byte(0) < 0xe0)
    return (byte(0) & 0x1f) << 6 | tail(1);
  if (byte(0) < 0xf0)
    return (byte(0) & 0x0f) << 12 | tail(1) << 6 | tail(2);
  return (byte(0) & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3);
}

void sherry::runtime::appendUtf8(std::string &text, char32_t character) {
  auto tail = [&](unsigned shift) {
    text += static_cast<char>(0x80 | (character >> shift & 0x3f));
  };
  if (character < 0x80) {
    text += static_cast<char>(character);
  } else if (character < 0x800) {
    text += static_cast<char>(0xc0 | character >> 6);
    tail(0);
  } else if (character < 0x10000) {
    text += static_cast<char>(0xe0 | character >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | character >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

/// White_Space in PropList.txt of Unicode.
static bool isWhiteSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t sherry::runtime::countLeadingSpace(std::string_view text) {
  size_t count = 0, length;
  while (count < text.size() &&
         classifyUtf8(text.substr(count), length) == Utf8::Character &&
         isWhiteSpace(decodeUtf8(text.substr(count))))
    count += length;
  return count;
}

size_t sherry::runtime::lastUtf8Length(std::string_view text) {
  for (size_t size = 1; size <= std::min<size_t>(4, text.size()); ++size) {
    size_t length;
    if (classifyUtf8(text.substr(text.size() - size), length) ==
            Utf8::Character &&
        length == size)
      return size;
  }
  return 0;
}

size_t sherry::runtime::countTrailingSpace(std::string_view text) {
  size_t end = text.size();
  while (size_t length = lastUtf8Length(text.substr(0, end))) {
    if (!isWhiteSpace(decodeUtf8(text.substr(end - length))))
      break;
    end -= length;
  }
  return text.size() - end;
}

size_t sherry::runtime::incompleteUtf8Tail(std::string_view text) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, text.size()); ++tail) {
    size_t length;
    if (classifyUtf8(text.substr(text.size() - tail), length) ==
        Utf8::Incomplete)
      return tail;
  }
  return 0;
}

std::string Utf8Buffer::push(std::string_view bytes) {
  std::string text = std::move(held) + std::string(bytes);
  const size_t complete = text.size() - incompleteUtf8Tail(text);
  held = text.substr(complete);
  text.resize(complete);
  return text;
}

std::string Utf8Buffer::finish() { return std::exchange(held, {}); }
