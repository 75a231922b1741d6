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

/// Ranges of characters, with both ends included.
using Characters = std::vector<std::pair<char32_t, char32_t>>;

/// Sorts ranges and joins those that touch or overlap.
void normalize(Characters &ranges);
/// All characters outside of `ranges`, which are normalized.
Characters complement(const Characters &ranges);

/// Adds paths from a state to another: the characters of `ranges` as JSON
/// strings spell them, escaped only if they must be. So each character has one
/// spelling, except for the case of hexadecimal digits. Surrogates are left
/// out.
void addCharacters(Nfa &nfa, uint32_t from, const Characters &ranges,
                   uint32_t to);

/// Makes the states of one arbitrary character of a string, in all spellings,
/// with surrogates only in pairs. They return after the character.
StateId buildCharacter(Builder &builder);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_SPELLING_H
