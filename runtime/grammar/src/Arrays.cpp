//===- Arrays.cpp - Arrays of JSON ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

using namespace sherry::grammar;

StateId JsonStates::array(const std::vector<StateId> &first,
                          std::optional<StateId> rest, Lengths lengths) {
  const auto fixed = static_cast<uint32_t>(first.size());
  if (lengths.min > lengths.max)
    throw Refusal("no array is so long and so short");
  if (!rest && lengths.min > fixed)
    throw Refusal("is more than there are items");
  const StateId close = builder.byte(']', kReturn);
  const StateId closeLine = blanksThen(close);
  const auto comma = [&](StateId value, StateId next) {
    return builder.byte(',', blanksThen(builder.call(value, next)));
  };

  // The state after the last value of a known position, built from the end to
  // the beginning.
  std::optional<StateId> after;
  const auto minRest = lengths.min > fixed ? lengths.min - fixed : 0;
  const auto maxRest = lengths.max == kNoLimit ? kNoLimit
                       : lengths.max > fixed   ? lengths.max - fixed
                                               : 0;
  // Without known positions, the first of the other values has no comma before
  // it.
  const uint32_t one = fixed == 0 ? 1 : 0;
  if (rest && maxRest > 0) {
    const uint32_t min = minRest > one ? minRest - one : 0;
    const uint32_t max = maxRest == kNoLimit ? kNoLimit : maxRest - one;
    after = max == 0 ? closeLine
                     : builder.loop(comma(*rest, kReturn), min, max, closeLine);
  } else {
    after = closeLine;
  }
  for (uint32_t i = fixed; i-- > 1;) {
    // Value number `i` follows i values.
    std::vector<StateId> choices;
    if (i < lengths.max)
      choices.push_back(comma(first[i], *after));
    if (i >= lengths.min)
      choices.push_back(closeLine);
    after = builder.fork(choices);
  }

  std::vector<StateId> choices;
  const bool hasFirst = fixed > 0 || rest;
  if (hasFirst && lengths.max > 0)
    choices.push_back(builder.call(fixed > 0 ? first[0] : *rest, *after));
  if (lengths.min == 0)
    choices.push_back(close);
  return builder.byte('[', blanksThen(builder.fork(choices)));
}
