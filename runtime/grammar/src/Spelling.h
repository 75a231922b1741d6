//===- Spelling.h - Characters in strings of JSON ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_SPELLING_H
#define SHERRY_GRAMMAR_SPELLING_H

#include "Nfa.h"

#include <utility>

namespace sherry::grammar {

/// Characters from the first to the second, both included.
using Characters = std::vector<std::pair<char32_t, char32_t>>;

/// Sorts ranges and joins those that touch.
void normalize(Characters &ranges);
/// All characters that are in none of `ranges`, which are normalized.
Characters complement(const Characters &ranges);

/// Adds ways from a state to another: the characters of `ranges` as a string of
/// JSON has them, escaped only where they must be. So each has one spelling,
/// but for the case of hexadecimal digits. Surrogates are left out.
void addCharacters(Nfa &nfa, uint32_t from, const Characters &ranges,
                   uint32_t to);

/// Makes the states of one character of a string that may have any, in all
/// spellings, surrogates in pairs only. They return after it.
StateId buildCharacter(Builder &builder);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_SPELLING_H
