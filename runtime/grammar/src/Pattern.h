//===- Pattern.h - Regular expressions of schemas ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_PATTERN_H
#define SHERRY_GRAMMAR_PATTERN_H

#include "Spelling.h"

#include <string_view>

namespace sherry::grammar {

/// The syntax tree of an expression of ECMAScript with the flag u. Assertions
/// other than ^ and $ at its ends, back references and properties are refused.
struct Pattern {
  struct Node {
    enum class Kind { Characters, Sequence, Alternatives, Repeat } kind;
    Characters characters;
    std::vector<uint32_t> children;
    uint32_t min = 0, max = 0; ///< of Repeat, which has one child
  };
  struct Branch {
    uint32_t root;
    bool fromBegin, toEnd; ///< has ^, has $
  };
  std::vector<Node> nodes;
  std::vector<Branch> branches;

  /// `text` is UTF-8. Throws Refusal.
  static Pattern parse(std::string_view text);
};

/// The strings that contain a match of an expression, in their JSON spelling
/// without quotes. Throws Refusal.
Dfa compilePattern(std::string_view text, Lengths lengths, Budget &budget);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_PATTERN_H
