//===- Tokens.h - The tokens of a model -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_TOKENS_H
#define SHERRY_TOOLS_SUPPORT_TOKENS_H

#include "sherry/sherry.h"
#include "sherry/text/ChatTemplate.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sherry {

/// The tokens of a chat, as of one text.
std::vector<int32_t> tokenizeChat(const sherry_model *model,
                                  const ChatParts &parts);

/// The tokens of a text; `flags` as sherry_tokenize takes them.
std::vector<int32_t> tokenize(const sherry_model *model, std::string_view text,
                              unsigned flags);

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_TOKENS_H
