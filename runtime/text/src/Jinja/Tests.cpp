//===- Tests.cpp - Tests of templates: x is defined -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <unordered_map>

using namespace sherry::jinja;

using Test = bool (*)(const Value &, Arguments &);

template <bool (Value::*is)() const>
static bool isKind(const Value &value, Arguments &) {
  return (value.*is)();
}

template <bool wanted> static bool isExactly(const Value &value, Arguments &) {
  return value.isBoolean() && value.boolean() == wanted;
}

static int64_t requireInteger(const Value &value) {
  if (const auto number = value.integer())
    return *number;
  throw Error(std::string(value.kind()) + " is not a whole number");
}

template <int64_t rest> static bool hasRest(const Value &value, Arguments &) {
  return (requireInteger(value) & 1) == rest;
}

static bool isDivisible(const Value &value, Arguments &arguments) {
  return applyBinary("%", Value(requireInteger(value)),
                     arguments.require(0, "num")) == Value(int64_t{0});
}

static bool isIn(const Value &value, Arguments &arguments) {
  return contains(arguments.require(0, "seq"), value);
}

/// Comparisons, such as `==`.
template <char first, char second = '\0'>
static bool compares(const Value &value, Arguments &arguments) {
  std::string name(1, first);
  if (second != '\0')
    name += second;
  return applyCompare(name, value, arguments.require(0, "other"));
}

template <Text (Text::*map)() const>
static bool isMapped(const Value &value, Arguments &) {
  const Text text = value.toText();
  return text.bytes() == (text.*map)().bytes() &&
         text.lower().bytes() != text.upper().bytes();
}

static bool isIterable(const Value &value, Arguments &) {
  return value.isText() || value.isList() || value.isObject() ||
         value.isUndefined();
}

/// Whether a value has a length and Python can index it.
static bool isSequence(const Value &value, Arguments &arguments) {
  return isIterable(value, arguments) && (!value.isList() || value.hasPlaces());
}

static const std::unordered_map<std::string_view, Test> tests = {
    {"defined",
     [](const Value &value, Arguments &) { return !value.isUndefined(); }},
    {"undefined", isKind<&Value::isUndefined>},
    {"none", isKind<&Value::isNone>},
    {"string", isKind<&Value::isText>},
    {"mapping", isKind<&Value::isObject>},
    {"number", isKind<&Value::isNumber>},
    {"integer", isKind<&Value::isInteger>},
    {"float", isKind<&Value::isFloat>},
    {"boolean", isKind<&Value::isBoolean>},
    {"true", isExactly<true>},
    {"false", isExactly<false>},
    {"iterable", isIterable},
    {"sequence", isSequence},
    {"callable", [](const Value &value,
                    Arguments &) { return value.callable() != nullptr; }},
    {"odd", hasRest<1>},
    {"even", hasRest<0>},
    {"divisibleby", isDivisible},
    {"in", isIn},
    {"lower", isMapped<&Text::lower>},
    {"upper", isMapped<&Text::upper>},
    {"eq", compares<'=', '='>},
    {"equalto", compares<'=', '='>},
    {"sameas", compares<'=', '='>},
    {"ne", compares<'!', '='>},
    {"gt", compares<'>'>},
    {"greaterthan", compares<'>'>},
    {"ge", compares<'>', '='>},
    {"lt", compares<'<'>},
    {"lessthan", compares<'<'>},
    {"le", compares<'<', '='>},
};

bool Interpreter::applyTest(const std::string &name, const Value &input,
                            Arguments &arguments) {
  const auto found = tests.find(name);
  if (found == tests.end())
    throw Error("the test '" + name + "' is not supported");
  const bool isCheap =
      arguments.positional.empty() && name != "lower" && name != "upper";
  charge((isCheap ? 1 : input.weight()) + arguments.weight());
  const bool result = found->second(input, arguments);
  arguments.finish();
  return result;
}
