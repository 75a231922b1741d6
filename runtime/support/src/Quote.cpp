//===- Quote.cpp - Strings in messages ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Quote.h"

std::string sherry::runtime::quote(std::string_view text) {
  constexpr size_t maxBytes = 100;
  constexpr char digits[] = "0123456789abcdef";
  std::string result = "\"";
  for (char c : text.substr(0, maxBytes)) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  }
  return result + (text.size() > maxBytes ? "...\"" : "\"");
}
