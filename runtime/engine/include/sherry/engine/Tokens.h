//===- Tokens.h - The tokens of texts and chats -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All functions throw std::runtime_error on error.
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

/// The tokens of a chat, as those of one text.
std::vector<int32_t> tokenizeChat(const sherry_model *model,
                                  const ChatParts &parts);

/// Whether `tokens` begin with two BOS tokens, the first of which the tokenizer
/// added because of `flags`.
bool hasBosTwice(const sherry_model *model, unsigned flags,
                 const std::vector<int32_t> &tokens);

/// The tokens of a text that is scored, as lm-evaluation-harness makes them
/// (HFLM.tok_encode): a text that begins with the name of BOS gets no second
/// BOS.
std::vector<int32_t> tokenizeScored(const sherry_model *model,
                                    std::string_view text, unsigned flags);

/// The token that is put before a text without context, as in
/// lm-evaluation-harness (HFLM.prefix_token_id): BOS, else the first token that
/// ends texts; -1 if the model has neither.
int32_t findPrefixToken(const sherry_model *model);

/// The bytes of a token, not always whole characters.
std::string_view bytesOf(const sherry_model *model, int32_t token);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_TOKENS_H
