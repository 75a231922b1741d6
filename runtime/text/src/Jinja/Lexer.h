//===- Lexer.h - The words of a template ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_JINJA_LEXER_H
#define SHERRY_RUNTIME_TEXT_JINJA_LEXER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sherry::jinja {

struct Token {
  enum Kind {
    Data,       ///< text between tags
    BlockBegin, ///< {%
    BlockEnd,
    PrintBegin, ///< {{
    PrintEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End ///< end of the template
  };
  Kind kind;
  std::string text; ///< a string's value, else the source text
  size_t line;
  int64_t integer = 0;
  double number = 0;

  bool is(Kind other, std::string_view word) const {
    return kind == other && text == word;
  }
};

/// Cuts a template into tokens, the last of which is End. White space is
/// treated as in transformers: trim_blocks and lstrip_blocks are on. Throws
/// LocatedError.
std::vector<Token> readTokens(std::string_view source);

} // namespace sherry::jinja

#endif // SHERRY_RUNTIME_TEXT_JINJA_LEXER_H
