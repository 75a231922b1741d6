//===- schema_fuzzer.cpp - Fuzzes schemas and answers to them -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a schema, a zero byte, and what chooses among the tokens that
// are allowed. Masks must be those of accepts(), no answer may end in a dead
// end, and what is complete must be JSON.
//
//===----------------------------------------------------------------------===//
#include "RandomAnswer.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

using namespace sherry::grammar;

namespace {

constexpr size_t kMaxSteps = 60;

void check(bool holds) {
  if (!holds)
    std::abort();
}

/// Follows the answer that `choices` make.
void answer(const Grammar &grammar, std::string_view choices) {
  Matcher matcher(grammar);
  std::string text;
  std::vector<uint32_t> mask(testVocabulary().maskWords());
  for (const char choice : choices.substr(0, kMaxSteps)) {
    if (matcher.isComplete())
      check(nlohmann::json::accept(text));
    allowedTokens(matcher, testVocabulary(), mask.data());
    std::vector<std::string_view> allowed;
    for (uint32_t token = 0; token < testTokens().size(); ++token) {
      const bool isAllowed = mask[token / 32] >> token % 32 & 1;
      check(isAllowed == matcher.accepts(testTokens()[token]));
      if (isAllowed)
        allowed.push_back(testTokens()[token]);
    }
    check(allowed.empty() == matcher.mustEnd());
    if (allowed.empty())
      return;
    const std::string_view token =
        allowed[static_cast<uint8_t>(choice) % allowed.size()];
    check(matcher.advance(token));
    text += token;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t end = std::min(input.find('\0'), size);
  try {
    const Grammar grammar(std::string(input.substr(0, end)));
    answer(grammar, input.substr(std::min(end + 1, size)));
  } catch (const SchemaError &) {
    // Refused; any other exception ends the program.
  }
  return 0;
}
