//===- Tokens.cpp - The tokens of texts and chats -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Tokens.h"
#include "sherry-abi/metadata.h"
#include "sherry/owners.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::engine;

/// The tokens that `write(tokens, capacity)` writes; `guess` is their likely
/// maximum.
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

std::vector<int32_t> sherry::engine::tokenizeChat(const sherry_model *model,
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

std::vector<int32_t> sherry::engine::tokenize(const sherry_model *model,
                                              std::string_view text,
                                              unsigned flags) {
  // Each token has at least one byte, except the BOS token and a space that the
  // tokenizer may add to each piece.
  return collectTokens(text.size() + 2, [&](int32_t *tokens, int64_t capacity) {
    return sherry_tokenize(model, text.data(), text.size(), flags, tokens,
                           capacity);
  });
}

bool sherry::engine::hasBosTwice(const sherry_model *model, unsigned flags,
                                 const std::vector<int32_t> &tokens) {
  const int32_t bos = sherry_model_bos_token(model);
  return bos >= 0 && tokens.size() >= 2 && tokens[0] == bos &&
         tokens[1] == bos && !tokenize(model, "", flags).empty();
}

std::vector<int32_t> sherry::engine::tokenizeScored(const sherry_model *model,
                                                    std::string_view text,
                                                    unsigned flags) {
  std::vector<int32_t> tokens = tokenize(model, text, flags);
  if (hasBosTwice(model, flags, tokens))
    tokens.erase(tokens.begin());
  return tokens;
}

int32_t sherry::engine::findPrefixToken(const sherry_model *model) {
  const int32_t bos = sherry_model_bos_token(model);
  if (bos >= 0)
    return bos;
  const auto description = nlohmann::json::parse(sherry_model_metadata(model));
  const auto ends = description.find(metadata::kEosTokenIds);
  return ends == description.end() || ends->empty()
             ? -1
             : ends->front().get<int32_t>();
}

std::string_view sherry::engine::bytesOf(const sherry_model *model,
                                         int32_t token) {
  size_t size;
  const char *bytes = check(sherry_token_bytes(model, token, &size));
  return {bytes, size};
}
