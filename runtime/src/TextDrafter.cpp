//===- TextDrafter.cpp - Drafts from the text itself ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TextDrafter.h"

using namespace sherry::runtime;

void TextDrafter::push(int32_t token) {
  const SuffixAutomaton::Match match = automaton.match();
  const bool isReplaced =
      match.length >= kLeastRepeated && *match.continuation != token;
  const size_t place = automaton.size();
  automaton.push(token);
  if (!isReplaced)
    return;
  left = place;
  source = place - match.size;
}

SuffixAutomaton::Match TextDrafter::match() const {
  const SuffixAutomaton::Match longest = automaton.match();
  const std::vector<int32_t> &text = automaton.tokens();
  const size_t since = text.size() - left;
  if (left == 0 || since > kMostSince)
    return longest;
  // The first replaced token differs, so the loop ends there at the latest.
  const size_t end = source + since;
  size_t same = 0;
  while (text[end - 1 - same] == text[text.size() - 1 - same])
    ++same;
  if (kTrust * same <= longest.length)
    return longest;
  return {kTrust * same, text.data() + end, text.size() - end};
}
