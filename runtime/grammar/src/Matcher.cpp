//===- Matcher.cpp - Matches answers with a grammar -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/grammar/Matcher.h"

#include "Run.h"

#include <algorithm>

using namespace sherry::grammar;

Matcher::Matcher(Grammar grammar) : grammar(std::move(grammar)) {
  const Run run(program());
  run.take(run.begin(), frames, threads);
}

bool Matcher::accepts(std::string_view bytes) const {
  Run run(program(), frames, threads);
  Run::Mark after;
  return !bytes.empty() && run.step(run.begin(), bytes, after);
}

bool Matcher::advance(std::string_view bytes) {
  Run run(program(), frames, threads);
  Run::Mark after;
  if (bytes.empty() || !run.step(run.begin(), bytes, after))
    return false;
  run.take(after, frames, threads);
  return true;
}

bool Matcher::isComplete() const {
  return std::any_of(threads.begin(), threads.end(),
                     [](const Thread &t) { return t.state == kReturn; });
}

bool Matcher::mustEnd() const {
  return std::all_of(threads.begin(), threads.end(),
                     [](const Thread &t) { return t.state == kReturn; });
}
