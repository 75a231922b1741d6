//===- Json.h - Values of JSON ----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The states of JSON values. Each function returns the first state of a value,
// which is at least one byte; the states return at the end of the value.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_JSON_H
#define SHERRY_GRAMMAR_JSON_H

#include "Pattern.h"

#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace sherry::grammar {

struct Property {
  std::string name; ///< as JSON, with quotes
  StateId value;
  bool required;
};

/// The limits of numbers. Only numbers that need not be whole have exclusive
/// limits.
struct NumberShape {
  bool whole = false;
  std::optional<int64_t> min, max;
  bool excludesMin = false, excludesMax = false;
};

class JsonStates {
public:
  JsonStates(Builder &builder, Budget &budget);

  Builder &builder;
  Budget &budget;

  /// The state of a character of a string without restrictions.
  StateId character() const { return anyCharacter; }
  StateId string(Lengths lengths);
  StateId string(std::string_view pattern, Lengths lengths);
  /// One of `texts`.
  StateId oneOf(const std::vector<std::string> &texts);
  /// A number within limits. Throws Refusal if there is none.
  StateId number(const NumberShape &shape);
  /// Properties in their order, then, if `others` is given, any number of
  /// further members with other names, whose values are `others`.
  StateId object(const std::vector<Property> &properties,
                 std::optional<StateId> others);
  /// The values `first`, then, if `rest` is given, further ones; from
  /// `lengths.min` to `lengths.max` values in all. Throws Refusal if this is
  /// not possible.
  StateId array(const std::vector<StateId> &first, std::optional<StateId> rest,
                Lengths lengths);
  /// Any value.
  StateId value();

private:
  /// Nothing, one space, or a new line with a limited number of blanks for
  /// indentation, so that no model can write blanks for ever.
  StateId blanksThen(StateId next) { return builder.call(blanks, next); }
  StateId memberAfterName(StateId value, StateId next);
  StateId otherName(const std::vector<Property> &properties, StateId next);

  StateId blanks, anyCharacter;
  std::optional<StateId> anyValue, anyNumber, anyWhole;
  /// Strings by their expressions, which schemas often repeat.
  std::map<std::tuple<std::string, uint32_t, uint32_t>, StateId> patterns;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_JSON_H
