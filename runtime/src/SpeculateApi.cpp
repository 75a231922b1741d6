//===- SpeculateApi.cpp - The C interface to speculation ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handles.h"
#include "sherry/speculate.h"

using namespace sherry::runtime;

sherry_drafter *sherry_drafter_create(void) {
  return guard(static_cast<sherry_drafter *>(nullptr),
               [] { return new sherry_drafter; });
}

void sherry_drafter_destroy(sherry_drafter *drafter) { delete drafter; }

int sherry_drafter_push(sherry_drafter *drafter, const int32_t *tokens,
                        int64_t n_tokens) {
  return guard(-1, [&] {
    if (n_tokens < 0)
      throw Error("a text of " + std::to_string(n_tokens) + " tokens");
    for (int64_t i = 0; i < n_tokens; ++i)
      drafter->text.push(tokens[i]);
    return 0;
  });
}

int64_t sherry_drafter_draft(const sherry_drafter *drafter, int32_t *tokens,
                             int64_t capacity) {
  return guard(int64_t{-1}, [&] {
    if (capacity < 0)
      throw Error("a draft of " + std::to_string(capacity) + " tokens");
    const SuffixAutomaton::Match match = drafter->text.match();
    // If the draft is longer than the continuation, the continuation repeats.
    for (int64_t i = 0; match.length > 0 && i < capacity; ++i)
      tokens[i] = match.continuation[static_cast<size_t>(i) % match.size];
    return static_cast<int64_t>(match.length);
  });
}
