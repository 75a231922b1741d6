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

// All throw KeywordRefusal.

/// Refuses keywords that are not supported, within a schema or as a whole.
void checkKeywords(const Json &schema, bool isRoot);
/// Refuses keywords beside `keyword` that say what is valid, but for `allowed`.
void checkAlone(const Json &schema, std::string_view keyword,
                std::string_view allowed = {});

/// The types that values may have: those that `type` names, else those that the
/// keywords are about, else all.
unsigned typesOf(const Json &schema);

Lengths lengthsOf(const Json &schema, const char *min, const char *max);
/// `type` is kInteger, or kInteger | kFraction.
NumberShape numberShapeOf(const Json &schema, unsigned type);
/// The names of `required`.
std::vector<std::string> requiredNames(const Json &schema);

/// Calls `function`; what is refused is a matter of `keyword`.
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
