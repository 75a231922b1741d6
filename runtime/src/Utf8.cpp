//===- Utf8.cpp - Whole characters of UTF-8 -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Utf8.h"

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
  // The second byte rules out overlong forms, surrogates and what is beyond
  // U+10FFFF.
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
