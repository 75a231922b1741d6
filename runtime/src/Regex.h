//===- Regex.h - Regular expressions on UTF-8 -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PCRE2 with Unicode properties, compiled to machine code where it can be, and
// with limits: expressions and texts come from strangers.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_REGEX_H
#define SHERRY_RUNTIME_REGEX_H

#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace sherry::runtime {

class Regex {
public:
  /// Throws Error if `pattern` is no expression. A literal pattern matches
  /// itself.
  Regex(const std::string &pattern, bool literal);

  /// Cuts `text`, well-formed UTF-8, into the matches and what is between them,
  /// and passes on all that is not empty, in order. Throws Error if matching
  /// takes too much time or memory.
  void split(std::string_view text,
             const std::function<void(std::string_view)> &onPiece) const;

private:
  struct FreeCode {
    void operator()(pcre2_real_code_8 *code) const;
  };
  std::unique_ptr<pcre2_real_code_8, FreeCode> code;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_REGEX_H
