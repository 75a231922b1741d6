//===- TextFilters.cpp - Filters of templates that give texts or numbers --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <cmath>
#include <unordered_map>

using namespace sherry::jinja;

static Value trim(Interpreter &interpreter, const Value &value,
                  Arguments &arguments) {
  return Value(interpreter.textOf(value).strip(arguments.getText(0, "chars"),
                                               true, true));
}

template <Text (Text::*map)() const>
static Value mapText(Interpreter &interpreter, const Value &value,
                     Arguments &) {
  return Value((interpreter.textOf(value).*map)());
}

static Value toText(Interpreter &interpreter, const Value &value, Arguments &) {
  return Value(interpreter.textOf(value));
}

static Value replace(Interpreter &interpreter, const Value &value,
                     Arguments &arguments) {
  const Text &old = arguments.requireText(0, "old");
  const Text &replacement = arguments.requireText(1, "new");
  return Value(interpreter.textOf(value).replace(
      old, replacement, arguments.getInteger(2, "count", -1)));
}

static Value toJson(Interpreter &interpreter, const Value &value,
                    Arguments &arguments) {
  // The order of the arguments is that of transformers, not of Jinja.
  JsonStyle style;
  style.isAscii = arguments.getBoolean(0, "ensure_ascii", false);
  style.indent = arguments.getInteger(1, "indent", -1);
  if (const Value *both = arguments.get(2, "separators");
      both && !both->isNone()) {
    if (!both->isList() || both->elements().size() != 2 ||
        !both->elements()[0].isText() || !both->elements()[1].isText())
      throw Error("tojson: the separators are not two texts");
    style.itemSeparator = &both->elements()[0].text();
    style.keySeparator = &both->elements()[1].text();
  }
  style.sortsKeys = arguments.getBoolean(3, "sort_keys", false);
  // Each letter may be escaped, which costs a step; sorted keys are compared
  // with each other.
  interpreter.charge(kQuoteCost * (style.sortsKeys ? 16 : 1) * value.weight());
  return Value(value.toJson(style));
}

static Value indent(Interpreter &interpreter, const Value &value,
                    Arguments &arguments) {
  const Value *width = arguments.get(0, "width");
  const bool first = arguments.getBoolean(1, "first", false);
  const bool blank = arguments.getBoolean(2, "blank", false);
  Text unit;
  if (width && width->isText())
    unit = width->text();
  else {
    const int64_t count = arguments.getInteger(0, "width", 4);
    if (count > static_cast<int64_t>(Text::maxSize))
      throw Error("indent: the width is too large");
    unit = Text(
        std::string(static_cast<size_t>(std::max<int64_t>(count, 0)), ' '));
  }
  const Text lineEnd("\n");
  Text text = interpreter.textOf(value);
  text.append(lineEnd); // as Jinja, keeps an empty last line
  interpreter.charge(text.size() / 4);
  const std::vector<Text> lines = text.splitLines();
  Text result;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i != 0)
      result.append(lineEnd);
    if (i == 0 ? first : blank || !lines[i].empty())
      result.append(unit);
    result.append(lines[i]);
  }
  return Value(std::move(result));
}

static Value escape(Interpreter &interpreter, const Value &value, Arguments &) {
  Text text = interpreter.textOf(value);
  for (auto [from, to] :
       {std::pair("&", "&amp;"), std::pair("<", "&lt;"), std::pair(">", "&gt;"),
        std::pair("'", "&#39;"), std::pair("\"", "&#34;")})
    text = text.replace(Text(from), Text(to), -1);
  return Value(std::move(text));
}

/// The number in a text: an integer or, with an exponent or a point, a float;
/// nothing if the text is no number.
static std::optional<Value> readNumber(const Value &value) {
  if (value.isNumber())
    return value;
  if (!value.isText())
    return std::nullopt;
  const std::string digits = value.text().strip(nullptr, true, true).bytes();
  const size_t sign = digits.find_first_of("+-") == 0 ? 1 : 0;
  if (digits.size() > 400 ||
      digits.find_first_of("0123456789", sign) == std::string::npos)
    return std::nullopt;
  if (digits.find_first_not_of("0123456789", sign) == std::string::npos) {
    errno = 0;
    const int64_t number = std::strtoll(digits.c_str(), nullptr, 10);
    if (errno == ERANGE)
      throw Error("a number has more than 63 bits");
    return Value(number);
  }
  if (digits.find_first_not_of("0123456789.eE+-") != std::string::npos)
    return std::nullopt;
  char *end;
  const double number = std::strtod(digits.c_str(), &end);
  return *end == '\0' ? std::optional<Value>(number) : std::nullopt;
}

static Value toFloat(Interpreter &interpreter, const Value &value,
                     Arguments &arguments) {
  const Value *fallback = arguments.get(0, "default");
  if (const auto number = readNumber(value))
    return Value(number->number());
  return fallback ? *fallback : Value(0.0);
}

static Value toInteger(Interpreter &, const Value &value,
                       Arguments &arguments) {
  const Value *fallback = arguments.get(0, "default");
  if (const auto number = readNumber(value)) {
    if (const auto whole = number->integer())
      return Value(*whole);
    const double floating = std::trunc(number->number());
    if (std::abs(floating) < 0x1p63)
      return Value(static_cast<int64_t>(floating));
  }
  return fallback ? *fallback : Value(int64_t{0});
}

static Value absolute(Interpreter &interpreter, const Value &value,
                      Arguments &) {
  return value.isNumber() && value.number() < 0 ? applyUnary("-", value)
                                                : applyUnary("+", value);
}

static Value round(Interpreter &interpreter, const Value &value,
                   Arguments &arguments) {
  const int64_t precision = arguments.getInteger(0, "precision", 0);
  const Text *method = arguments.getText(1, "method");
  if (!value.isNumber() || precision < 0 || precision > 15)
    throw Error("round: this is not supported");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.number() * scale;
  if (!method || method->bytes() == "common")
    return Value(std::nearbyint(scaled) / scale);
  return Value(
      (method->bytes() == "ceil" ? std::ceil(scaled) : std::floor(scaled)) /
      scale);
}

static const std::unordered_map<std::string_view, Filter> filters = {
    {"trim", trim},
    {"upper", mapText<&Text::upper>},
    {"lower", mapText<&Text::lower>},
    {"title", mapText<&Text::titleWords>},
    {"capitalize", mapText<&Text::capitalize>},
    {"string", toText},
    {"safe", toText},
    {"escape", escape},
    {"e", escape},
    {"replace", replace},
    {"tojson", toJson},
    {"indent", indent},
    {"int", toInteger},
    {"float", toFloat},
    {"abs", absolute},
    {"round", round},
};

Filter sherry::jinja::findTextFilter(std::string_view name) {
  const auto found = filters.find(name);
  return found == filters.end() ? nullptr : found->second;
}
