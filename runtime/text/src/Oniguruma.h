//===- Oniguruma.h - Expressions of tokenizer.json for PCRE2 ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hugging Face tokenizers read expressions with Oniguruma. Some of its syntax
// (see its doc/RE) has another meaning in PCRE2.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_ONIGURUMA_H
#define SHERRY_RUNTIME_TEXT_ONIGURUMA_H

#include <string>
#include <string_view>

namespace sherry::runtime {

/// The expression of PCRE2, with Unicode properties, that is equivalent to
/// `pattern` in Oniguruma. Throws Error, which names the construct, if there is
/// no equivalent.
std::string translateOniguruma(std::string_view pattern);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEXT_ONIGURUMA_H
