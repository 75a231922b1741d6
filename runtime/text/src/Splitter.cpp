//===- Splitter.cpp - Pieces of text by an expression ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Regex.h"

#include <algorithm>
#include <vector>

using namespace sherry::runtime;

namespace {
struct Part {
  size_t begin, end;
  bool isMatch;
};
} // namespace

/// Joins parts that belong together (SplitDelimiterBehavior of tokenizers).
static void joinParts(std::vector<Part> &parts, SplitBehavior behavior) {
  std::vector<Part> joined;
  bool previous = false; // was a match
  const bool backwards = behavior == SplitBehavior::MergedWithNext;
  if (backwards)
    std::reverse(parts.begin(), parts.end());
  for (const Part &part : parts) {
    const bool joins = behavior == SplitBehavior::Contiguous
                           ? part.isMatch == previous
                           : part.isMatch && !previous;
    if (joins && !joined.empty())
      (backwards ? joined.back().begin : joined.back().end) =
          backwards ? part.begin : part.end;
    else
      joined.push_back(part);
    previous = part.isMatch;
  }
  if (backwards)
    std::reverse(joined.begin(), joined.end());
  parts = std::move(joined);
}

void Splitter::split(
    std::string_view text, MatchBudget &budget,
    const std::function<void(std::string_view)> &onPiece) const {
  size_t done = 0;
  if (behavior == SplitBehavior::Isolated) {
    auto passUntil = [&](size_t end) {
      if (end > done)
        onPiece(text.substr(done, end - done));
      done = end;
    };
    regex.findAll(text, budget, [&](size_t begin, size_t end) {
      passUntil(begin);
      passUntil(end);
    });
    return passUntil(text.size());
  }
  std::vector<Part> parts;
  auto add = [&](size_t end, bool isMatch) {
    if (end > done || isMatch)
      parts.push_back({done, end, isMatch != inverts});
    done = end;
  };
  regex.findAll(text, budget, [&](size_t begin, size_t end) {
    add(begin, false);
    add(end, true);
  });
  add(text.size(), false);
  if (behavior != SplitBehavior::Removed)
    joinParts(parts, behavior);
  for (const Part &part : parts)
    if (part.end > part.begin &&
        (behavior != SplitBehavior::Removed || !part.isMatch))
      onPiece(text.substr(part.begin, part.end - part.begin));
}
