//===- Tokens.h - The tokens of texts and chats -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions throw std::runtime_error.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_TOKENS_H
#define SHERRY_ENGINE_TOKENS_H

#include "sherry/sherry.h"
#include "sherry/text/ChatTemplate.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sherry::engine {

/// The tokens of a text; `flags` as sherry_tokenize takes them.
std::vector<int32_t> tokenize(const sherry_model *model, std::string_view text,
                              unsigned flags);

/// The tokens of a chat, as of one text.
std::vector<int32_t> tokenizeChat(const sherry_model *model,
                                  const ChatParts &parts);

/// Whether these tokens of a text begin with two BOS tokens, of which the
/// tokenizer added the first because of `flags`.
bool hasBosTwice(const sherry_model *model, unsigned flags,
                 const std::vector<int32_t> &tokens);

/// The tokens of a text that is scored, as lm-evaluation-harness makes them
/// (HFLM.tok_encode): a text that begins with the name of BOS gets no other.
std::vector<int32_t> tokenizeScored(const sherry_model *model,
                                    std::string_view text, unsigned flags);

/// The token before a text that has nothing before it, as there
/// (HFLM.prefix_token_id): BOS, else the first that ends a text. -1: neither.
int32_t findPrefixToken(const sherry_model *model);

/// The bytes of a token, not always whole characters.
std::string_view bytesOf(const sherry_model *model, int32_t token);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_TOKENS_H
