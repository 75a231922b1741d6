//===- Formats.h - The formats of strings -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_FORMATS_H
#define SHERRY_GRAMMAR_FORMATS_H

#include <string_view>

namespace sherry::grammar {

struct FormatPattern {
  std::string_view name;
  const char *pattern;
};

/// An expression for strings of a format; null for an unknown format.
const char *findFormat(std::string_view name);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_FORMATS_H
