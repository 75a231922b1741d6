//===- Logprobs.h - Log probabilities as OpenAI's API has them --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_LOGPROBS_H
#define SHERRY_TOOLS_SERVE_LOGPROBS_H

#include "Json.h"
#include "sherry/engine/Request.h"

namespace sherry::serve {

/// A token with its log probability, which the first token of a prompt does not
/// have.
struct LoggedToken {
  int32_t token;
  std::optional<engine::RankedLogprob> logprob;
  size_t offset; ///< of its text, in characters
};

/// "logprobs" of a completion: lists of tokens, token_logprobs, top_logprobs
/// and text_offset. A token that is not valid UTF-8 is written as
/// "bytes:\xe2\x82".
Json toCompletionLogprobs(const sherry_model *model,
                          const std::vector<LoggedToken> &tokens);

/// "logprobs" of a chat's choice: a list of tokens with their bytes and the
/// likeliest tokens at the same position.
Json toChatLogprobs(const sherry_model *model,
                    const std::vector<LoggedToken> &tokens);

/// The number of characters of a text in UTF-8.
size_t countCharacters(std::string_view text);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_LOGPROBS_H
