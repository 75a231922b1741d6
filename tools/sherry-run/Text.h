//===- Text.h - The tokens of the user's texts ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_TEXT_H
#define SHERRY_TOOLS_RUN_TEXT_H

#include "Session.h"

namespace sherry::run {

/// What the options say of BOS and of names of special tokens, as
/// sherry_tokenize takes it.
unsigned tokenizeFlags(const Options &options);

/// Whether these tokens begin with two BOS tokens, of which the tokenizer added
/// the first.
bool hasBosTwice(const sherry_model *model, const Options &options,
                 const std::vector<int32_t> &tokens);

/// The tokens of a text that is scored, as lm-evaluation-harness makes them
/// (HFLM.tok_encode): names of special tokens are these tokens, and a text that
/// begins with the name of BOS gets no other BOS.
std::vector<int32_t> tokenizeScored(const sherry_model *model,
                                    const Options &options,
                                    std::string_view text);

/// The token before a text that has nothing before it, as there
/// (HFLM.prefix_token_id): BOS, else the first that ends a text. -1: neither.
int32_t findPrefixToken(const sherry_model *model);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_TEXT_H
