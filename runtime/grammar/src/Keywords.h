//===- Keywords.h - The values of keywords ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_KEYWORDS_H
#define SHERRY_GRAMMAR_KEYWORDS_H

#include "Json.h"
#include "Schema.h"

#include <initializer_list>

namespace sherry::grammar {

// All functions throw KeywordRefusal.

/// Refuses keywords that are not supported, at the root or within a schema.
void checkKeywords(const Json &schema, bool isRoot);
/// Refuses keywords beside `keyword` that restrict values, except `allowed`.
void checkAlone(const Json &schema, std::string_view keyword,
                std::string_view allowed = {});

/// The types that values may have: the types in `type`, else the types that the
/// keywords restrict, else all.
unsigned typesOf(const Json &schema);

Lengths lengthsOf(const Json &schema, const char *min, const char *max);
/// `type` is kInteger, or kInteger | kFraction.
NumberShape numberShapeOf(const Json &schema, unsigned type);
/// The names of `required`.
std::vector<std::string> requiredNames(const Json &schema);

/// Calls `function`; turns its Refusal into a KeywordRefusal of `keyword`.
template <typename Function>
auto blame(const char *keyword, const Function &function) {
  try {
    return function();
  } catch (const KeywordRefusal &) {
    throw;
  } catch (const Refusal &refusal) {
    throw KeywordRefusal(keyword, refusal.what());
  }
}

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_KEYWORDS_H
