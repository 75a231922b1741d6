//===- Tokens.cpp - The tokens of a model ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Tokens.h"
#include "sherry/owners.h"

using namespace sherry;

/// The tokens that `write(tokens, capacity)` gives; no more than `guess`,
/// mostly.
template <typename Write>
static std::vector<int32_t> collectTokens(size_t guess, const Write &write) {
  std::vector<int32_t> tokens(guess);
  auto writeAll = [&] {
    return static_cast<size_t>(
        check(write(tokens.data(), static_cast<int64_t>(tokens.size()))));
  };
  const size_t count = writeAll();
  if (count > tokens.size()) {
    tokens.resize(count);
    writeAll();
  }
  tokens.resize(count);
  return tokens;
}

std::vector<int32_t> sherry::tokenizeChat(const sherry_model *model,
                                          const ChatParts &parts) {
  std::vector<sherry_text_part> views;
  size_t size = 2;
  for (const ChatPart &part : parts) {
    views.push_back({part.text.data(), part.text.size(),
                     part.isSpecial ? unsigned{SHERRY_TOKENIZE_SPECIAL} : 0});
    size += part.text.size();
  }
  return collectTokens(size, [&](int32_t *tokens, int64_t capacity) {
    return sherry_tokenize_parts(model, views.data(), views.size(), 0, tokens,
                                 capacity);
  });
}

std::vector<int32_t> sherry::tokenize(const sherry_model *model,
                                      std::string_view text, unsigned flags) {
  // No token is shorter than a byte, but for the BOS token and a space that
  // the tokenizer may add to each piece.
  return collectTokens(text.size() + 2, [&](int32_t *tokens, int64_t capacity) {
    return sherry_tokenize(model, text.data(), text.size(), flags, tokens,
                           capacity);
  });
}
