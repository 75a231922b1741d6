//===- Operators.cpp - Operators of templates, as in Python ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sherry::jinja;

[[noreturn]] static void failUndefined(const Value &value) {
  throw Error("'" + value.undefinedName() + "' is undefined");
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

/// The offset that a Python index means; nothing if it is not among `count`
/// elements.
static std::optional<size_t> findPlace(int64_t index, size_t count) {
  if (index < 0)
    index += static_cast<int64_t>(count);
  if (index < 0 || static_cast<uint64_t>(index) >= count)
    return std::nullopt;
  return static_cast<size_t>(index);
}

static std::string describe(const Value &key) {
  return key.isText()     ? key.text().bytes().substr(0, 40)
         : key.isNumber() ? key.toText().bytes()
                          : key.kind();
}

Value sherry::jinja::getMember(Interpreter &interpreter, const Value &object,
                               const Value &key) {
  if (object.isUndefined())
    throw Error("'" + object.undefinedName() +
                "' is undefined, so it has no '" + describe(key) + "'");
  const Value none(Undefined{describe(key)});
  if (object.isObject()) {
    interpreter.chargeSearch(object.entries().size(), key.weight());
    if (const Value *member = object.find(key))
      return *member;
  }
  if (key.isText())
    if (auto method = findBoundMethod(object, key.text().bytes()))
      return *method;
  if (object.space()) {
    interpreter.chargeSearch(object.space()->entries.size(), key.weight());
    for (const auto &[name, value] : object.space()->entries)
      if (name == key)
        return value;
    return none;
  }
  if (!key.integer())
    return none;
  if (object.hasPlaces()) {
    const auto place = findPlace(*key.integer(), object.elements().size());
    return place ? object.elements()[*place] : none;
  }
  if (object.isText()) {
    // Finding a character takes time from the beginning on.
    interpreter.charge(object.weight());
    const std::vector<size_t> begins = object.text().characterBegins();
    const auto place = findPlace(*key.integer(), begins.size() - 1);
    return place
               ? Value(object.text().slice(begins[*place], begins[*place + 1]))
               : none;
  }
  return none;
}

Values sherry::jinja::listElements(Interpreter &interpreter,
                                   const Value &value) {
  Values elements;
  if (value.isList()) {
    interpreter.charge(value.elements().size());
    return value.takeElements();
  }
  if (value.isObject()) {
    interpreter.charge(value.entries().size());
    for (const auto &[key, member] : value.entries())
      elements.push_back(key);
  } else if (value.isText()) {
    interpreter.charge(value.text().size());
    const std::vector<size_t> begins = value.text().characterBegins();
    for (size_t i = 0; i + 1 < begins.size(); ++i)
      elements.emplace_back(value.text().slice(begins[i], begins[i + 1]));
  } else if (!value.isUndefined())
    throw Error(std::string(value.kind()) + " has no elements");
  return elements;
}

size_t sherry::jinja::countElements(const Value &value) {
  if (value.isText())
    return value.text().countCharacters();
  if (value.isObject())
    return value.entries().size();
  if (value.isList() && !value.isList(ListKind::Lazy))
    return value.elements().size();
  if (value.isUndefined())
    return 0;
  throw Error(std::string(value.kind()) + " has no length");
}

bool sherry::jinja::contains(const Value &container, const Value &element) {
  if (container.isText()) {
    if (!element.isText())
      throw Error(std::string(element.kind()) + " cannot be in a text");
    return container.text().find(element.text(), /*fromRight=*/false) !=
           std::string::npos;
  }
  if (container.isObject())
    return container.find(element) != nullptr;
  if (container.isUndefined())
    return false;
  if (!container.isList())
    throw Error("nothing can be in " + std::string(container.kind()));
  const Values &elements = container.takeElements();
  return std::find(elements.begin(), elements.end(), element) != elements.end();
}

/// Bounds of a Python slice.
static int64_t clampBound(const Value &bound, int64_t fallback, int64_t count,
                          int64_t low, int64_t high) {
  if (bound.isNone() || bound.isUndefined())
    return fallback;
  const auto index = bound.integer();
  if (!index)
    throw Error(std::string(bound.kind()) + " is not an index of a slice");
  return std::clamp(*index < 0 ? *index + count : *index, low, high);
}

Value sherry::jinja::applySlice(const Value &value, const Value &start,
                                const Value &stop, const Value &stepValue) {
  if (value.isUndefined())
    failUndefined(value);
  if (!value.isText() && !value.hasPlaces())
    throw Error(std::string(value.kind()) + " cannot be sliced");
  const bool hasStep = !stepValue.isNone() && !stepValue.isUndefined();
  if (hasStep && !stepValue.integer())
    throw Error("the step of a slice is not a whole number");
  const int64_t step = hasStep ? *stepValue.integer() : 1;
  if (step == 0)
    throw Error("the step of a slice is 0");
  std::vector<size_t> begins;
  if (value.isText())
    begins = value.text().characterBegins();
  const auto count = static_cast<int64_t>(
      value.isText() ? begins.size() - 1 : value.elements().size());
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
  const int64_t begin =
      clampBound(start, step > 0 ? low : high, count, low, high);
  const int64_t end = clampBound(stop, step > 0 ? high : low, count, low, high);
  if (value.isText() && step == 1)
    return Value(
        value.text().slice(begins[static_cast<size_t>(begin)],
                           begins[static_cast<size_t>(std::max(begin, end))]));
  Text text;
  Values elements;
  for (int64_t i = begin; step > 0 ? i < end : i > end;) {
    const auto place = static_cast<size_t>(i);
    if (value.isText())
      text.append(value.text(), begins[place], begins[place + 1]);
    else
      elements.push_back(value.elements()[place]);
    // Steps beyond the end of any size must not overflow.
    if (step > 0 ? step >= end - i : step <= end - i)
      break;
    i += step;
  }
  return value.isText() ? Value(std::move(text))
                        : Value::list(std::move(elements), value.listKind());
}

//===----------------------------------------------------------------------===//
// Numbers and texts
//===----------------------------------------------------------------------===//

[[noreturn]] static void failOverflow() {
  throw Error("a number has more than 63 bits");
}

/// Rounded down, as in Python.
static int64_t divide(int64_t a, int64_t b, bool wantsRest) {
  if (b == 0)
    throw Error("a division by zero");
  if (b == -1 && a == std::numeric_limits<int64_t>::min())
    failOverflow();
  int64_t quotient = a / b, rest = a % b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    --quotient;
    rest += b;
  }
  return wantsRest ? rest : quotient;
}

static int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result))
      failOverflow();
    exponent /= 2;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base))
      failOverflow();
  }
  return result;
}

static Value calculateFloats(const std::string &name, double a, double b) {
  if (name == "+")
    return Value(a + b);
  if (name == "-")
    return Value(a - b);
  if (name == "*")
    return Value(a * b);
  if (name == "**")
    return Value(std::pow(a, b));
  if (b == 0)
    throw Error("a division by zero");
  if (name == "/")
    return Value(a / b);
  if (name == "//")
    return Value(std::floor(a / b));
  const double rest = std::fmod(a, b);
  return Value(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

static Value calculateIntegers(const std::string &name, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflows = false;
  if (name == "+")
    overflows = __builtin_add_overflow(a, b, &result);
  else if (name == "-")
    overflows = __builtin_sub_overflow(a, b, &result);
  else if (name == "*")
    overflows = __builtin_mul_overflow(a, b, &result);
  else if (name == "//" || name == "%")
    result = divide(a, b, name == "%");
  else if (name == "**" && b >= 0)
    result = power(a, b);
  else
    return calculateFloats(name, static_cast<double>(a),
                           static_cast<double>(b));
  if (overflows)
    failOverflow();
  return Value(result);
}

/// A text or a list, repeated `count` times.
static Value repeat(const Value &value, int64_t count) {
  count = std::max<int64_t>(count, 0);
  if (value.isText())
    return Value(value.text().repeat(static_cast<size_t>(count)));
  Values elements;
  if (!value.elements().empty() &&
      static_cast<uint64_t>(count) > Value::maxWeight / value.elements().size())
    throw Error("a list becomes too large");
  for (int64_t i = 0; i < count && !value.elements().empty(); ++i)
    elements.insert(elements.end(), value.elements().begin(),
                    value.elements().end());
  return Value::list(std::move(elements), value.listKind());
}

Value sherry::jinja::applyBinary(const std::string &name, const Value &a,
                                 const Value &b) {
  if (name == "~") {
    Text text = a.toText();
    text.append(b.toText());
    return Value(std::move(text));
  }
  for (const Value *value : {&a, &b})
    if (value->isUndefined())
      failUndefined(*value);
  if (a.isNumber() && b.isNumber()) {
    const auto x = a.integer(), y = b.integer();
    return x && y ? calculateIntegers(name, *x, *y)
                  : calculateFloats(name, a.number(), b.number());
  }
  if (name == "+" && a.isText() && b.isText()) {
    Text text = a.text();
    text.append(b.text());
    return Value(std::move(text));
  }
  if (name == "+" && a.isListOrTuple() && b.isList(a.listKind())) {
    Values elements = a.elements();
    elements.insert(elements.end(), b.elements().begin(), b.elements().end());
    return Value::list(std::move(elements), a.listKind());
  }
  if (name == "*" && (a.isText() || a.isListOrTuple()) && b.integer())
    return repeat(a, *b.integer());
  if (name == "*" && (b.isText() || b.isListOrTuple()) && a.integer())
    return repeat(b, *a.integer());
  throw Error("'" + name + "' between " + a.kind() + " and " + b.kind() +
              " is not supported");
}

Value sherry::jinja::applyUnary(const std::string &name, const Value &operand) {
  if (name == "not")
    return Value(!operand.isTrue());
  if (operand.isUndefined())
    failUndefined(operand);
  if (!operand.isNumber())
    throw Error("'" + name + "' of " + operand.kind() + " is not supported");
  if (name == "+")
    return operand;
  if (const auto whole = operand.integer())
    return calculateIntegers("-", 0, *whole);
  return Value(-operand.number());
}

bool sherry::jinja::applyCompare(const std::string &name, const Value &a,
                                 const Value &b) {
  if (name == "==")
    return a == b;
  if (name == "!=")
    return !(a == b);
  if (name == "in")
    return contains(b, a);
  if (name == "not in")
    return !contains(b, a);
  for (const Value *value : {&a, &b})
    if (value->isUndefined())
      failUndefined(*value);
  // NaN is neither less nor greater.
  if (a.isFloat() || b.isFloat())
    if (a.isNumber() && b.isNumber() &&
        (std::isnan(a.number()) || std::isnan(b.number())))
      return false;
  const int order = compare(a, b);
  return name == "<"    ? order < 0
         : name == ">"  ? order > 0
         : name == "<=" ? order <= 0
                        : order >= 0;
}
