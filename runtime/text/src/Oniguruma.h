//===- Oniguruma.h - Expressions of tokenizer.json for PCRE2 ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hugging Face tokenizers read expressions with Oniguruma, whose syntax (its
// doc/RE) has other meanings for some of what PCRE2 reads too.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_ONIGURUMA_H
#define SHERRY_RUNTIME_TEXT_ONIGURUMA_H

#include <string>
#include <string_view>

namespace sherry::runtime {

/// The expression that means in PCRE2, with Unicode properties, what `pattern`
/// means in Oniguruma. Throws Error that names what has no counterpart here.
std::string translateOniguruma(std::string_view pattern);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEXT_ONIGURUMA_H
