//===- Json.cpp - Values of JSON ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

using namespace sherry::grammar;

namespace {

constexpr uint32_t kMaxIndent = 64;

} // namespace

JsonStates::JsonStates(Builder &builder, Budget &budget)
    : builder(builder), budget(budget), anyCharacter(buildCharacter(builder)) {
  const StateId blank =
      builder.bytes({{' ', ' ', kReturn}, {'\t', '\t', kReturn}});
  const StateId indent = builder.loop(blank, 0, kMaxIndent, kReturn);
  blanks = builder.fork(
      {kReturn, builder.bytes({{' ', ' ', kReturn}, {'\n', '\n', indent}})});
}

StateId JsonStates::string(Lengths lengths) {
  if (lengths.min > lengths.max)
    throw Refusal("no string is so long and so short");
  return builder.byte('"', builder.loop(anyCharacter, lengths.min, lengths.max,
                                        builder.byte('"', kReturn)));
}

StateId JsonStates::string(std::string_view pattern, Lengths lengths) {
  const auto [entry, isNew] = patterns.emplace(
      std::tuple(std::string(pattern), lengths.min, lengths.max), 0);
  if (isNew) {
    const Dfa dfa = compilePattern(pattern, lengths, budget);
    entry->second = builder.byte('"', dfa.emit(builder, "\""));
  }
  return entry->second;
}

StateId JsonStates::oneOf(const std::vector<std::string> &texts) {
  Nfa nfa(budget);
  const uint32_t start = nfa.add(), accept = nfa.add();
  for (const std::string &text : texts)
    nfa.addText(start, text, accept);
  return Dfa(nfa, start, accept, {}).emit(builder, nullptr);
}

StateId JsonStates::value() {
  if (anyValue)
    return *anyValue;
  anyValue = builder.reserve();
  builder.define(*anyValue, {string(Lengths()), number(NumberShape()),
                             oneOf({"true", "false", "null"}),
                             object({}, anyValue), array({}, anyValue, {})});
  return *anyValue;
}
