//===- Json.h - Values of JSON ----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The states of values. Each function gives the first; they return after the
// value, which is at least one byte.
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
  std::string name; ///< with its quotes, as JSON spells it
  StateId value;
  bool required;
};

/// Which numbers. Limits that exclude are those of numbers that need not be
/// whole.
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

  /// The state of a character of a string that may have any.
  StateId character() const { return anyCharacter; }
  StateId string(Lengths lengths);
  StateId string(std::string_view pattern, Lengths lengths);
  /// One of `texts`.
  StateId oneOf(const std::vector<std::string> &texts);
  /// Throws Refusal if there is no such number.
  StateId number(const NumberShape &shape);
  /// Properties in their order, then any number of others whose values are
  /// `others`, if it is given, and whose names are none of the properties'.
  StateId object(const std::vector<Property> &properties,
                 std::optional<StateId> others);
  /// Values as `first` has them, then others, if `rest` is given, all in all
  /// from `lengths.min` to `lengths.max`. Throws Refusal if that cannot be.
  StateId array(const std::vector<StateId> &first, std::optional<StateId> rest,
                Lengths lengths);
  /// Any value.
  StateId value();

private:
  /// Nothing, a space, or a new line with blanks, as many as indent values: no
  /// model can write them for ever.
  StateId blanksThen(StateId next) { return builder.call(blanks, next); }
  StateId memberAfterName(StateId value, StateId next);
  StateId otherName(const std::vector<Property> &properties, StateId next);

  StateId blanks, anyCharacter;
  std::optional<StateId> anyValue, anyNumber, anyWhole;
  /// Strings by their expressions: schemas have the same ones often.
  std::map<std::tuple<std::string, uint32_t, uint32_t>, StateId> patterns;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_JSON_H
