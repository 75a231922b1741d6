//===- Methods.cpp - Methods of texts and objects, as in Python -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

using namespace sherry::jinja;

using Table = std::unordered_map<std::string_view, Method>;

static Value listTexts(std::vector<Text> texts) {
  Values values;
  for (Text &text : texts)
    values.emplace_back(std::move(text));
  return Value::list(std::move(values));
}

template <bool left, bool right>
static Value strip(Interpreter &, const Value &value, Arguments &arguments) {
  return Value(value.text().strip(arguments.getText(0, "chars"), left, right));
}

template <bool fromRight>
static Value split(Interpreter &, const Value &value, Arguments &arguments) {
  const Text *separator = arguments.getText(0, "sep");
  const int64_t limit = arguments.getInteger(1, "maxsplit", -1);
  return listTexts(value.text().split(separator, limit, fromRight));
}

static bool matchesEnd(const std::string &text, const std::string &part,
                       bool atEnd) {
  return part.size() <= text.size() &&
         text.compare(atEnd ? text.size() - part.size() : 0, part.size(),
                      part) == 0;
}

/// startswith and endswith, with a text or a tuple of texts.
template <bool atEnd>
static Value matches(Interpreter &, const Value &value, Arguments &arguments) {
  const Value &part = arguments.require(0, "prefix");
  if (!part.isList(ListKind::Tuple))
    return Value(matchesEnd(value.text().bytes(),
                            arguments.requireText(0, "prefix").bytes(), atEnd));
  const Values &parts = part.elements();
  return Value(std::any_of(parts.begin(), parts.end(), [&](const Value &one) {
    return one.isText() &&
           matchesEnd(value.text().bytes(), one.text().bytes(), atEnd);
  }));
}

template <bool atEnd>
static Value remove(Interpreter &, const Value &value, Arguments &arguments) {
  const Text &text = value.text();
  const Text &part = arguments.requireText(0, "prefix");
  if (!matchesEnd(text.bytes(), part.bytes(), atEnd))
    return value;
  return Value(atEnd ? text.slice(0, text.size() - part.size())
                     : text.slice(part.size(), text.size()));
}

/// find and rfind: the offset of a text in characters, -1 if it is not found.
template <bool fromRight>
static Value find(Interpreter &, const Value &value, Arguments &arguments) {
  const size_t found =
      value.text().find(arguments.requireText(0, "sub"), fromRight);
  if (found == std::string::npos)
    return Value(int64_t{-1});
  return Value(
      static_cast<int64_t>(value.text().slice(0, found).countCharacters()));
}

static Value count(Interpreter &, const Value &value, Arguments &arguments) {
  const Text &part = arguments.requireText(0, "sub");
  const size_t result = part.empty() ? value.text().countCharacters() + 1
                                     : value.text().count(part);
  return Value(static_cast<int64_t>(result));
}

static Value replace(Interpreter &, const Value &value, Arguments &arguments) {
  const Text &old = arguments.requireText(0, "old");
  const Text &replacement = arguments.requireText(1, "new");
  return Value(value.text().replace(old, replacement,
                                    arguments.getInteger(2, "count", -1)));
}

static Value join(Interpreter &interpreter, const Value &value,
                  Arguments &arguments) {
  Text result;
  bool isFirst = true;
  for (const Value &element :
       listElements(interpreter, arguments.require(0, "iterable"))) {
    if (!element.isText())
      throw Error("join: " + std::string(element.kind()) + " is not a text");
    if (!std::exchange(isFirst, false))
      result.append(value.text());
    result.append(element.text());
  }
  return Value(std::move(result));
}

template <Text (Text::*map)() const>
static Value mapText(Interpreter &, const Value &value, Arguments &) {
  return Value((value.text().*map)());
}

/// Whether the text is not empty and all of its bytes are of a kind.
template <bool (*isOne)(char)>
static Value areAll(Interpreter &, const Value &value, Arguments &) {
  const std::string &bytes = value.text().bytes();
  return Value(!bytes.empty() &&
               std::all_of(bytes.begin(), bytes.end(), isOne));
}
static bool isDigit(char byte) { return byte >= '0' && byte <= '9'; }

static Value splitLines(Interpreter &interpreter, const Value &value,
                        Arguments &) {
  interpreter.charge(value.text().size() / 4);
  return listTexts(value.text().splitLines());
}

static Value get(Interpreter &, const Value &value, Arguments &arguments) {
  const Value *fallback = arguments.get(1, "default");
  const Value *member = value.find(arguments.require(0, "key"));
  return member ? *member : fallback ? *fallback : Value(None());
}

/// keys, values and items.
template <bool hasKeys, bool hasValues>
static Value listMembers(Interpreter &, const Value &value, Arguments &) {
  Values members;
  for (const auto &[key, member] : value.entries())
    members.push_back(hasKeys && hasValues
                          ? Value::list({key, member}, ListKind::Tuple)
                      : hasKeys ? key
                                : member);
  return Value::list(std::move(members), !hasValues ? ListKind::Keys
                                         : !hasKeys ? ListKind::Values
                                                    : ListKind::Items);
}

static const Table textMethods = {
    {"strip", strip<true, true>},
    {"lstrip", strip<true, false>},
    {"rstrip", strip<false, true>},
    {"split", split<false>},
    {"rsplit", split<true>},
    {"splitlines", splitLines},
    {"startswith", matches<false>},
    {"endswith", matches<true>},
    {"removeprefix", remove<false>},
    {"removesuffix", remove<true>},
    {"find", find<false>},
    {"rfind", find<true>},
    {"count", count},
    {"replace", replace},
    {"join", join},
    {"upper", mapText<&Text::upper>},
    {"lower", mapText<&Text::lower>},
    {"title", mapText<&Text::titleLetters>},
    {"capitalize", mapText<&Text::capitalize>},
    {"isdigit", areAll<isDigit>},
};

static const Table objectMethods = {
    {"get", get},
    {"keys", listMembers<true, false>},
    {"values", listMembers<false, true>},
    {"items", listMembers<true, true>},
};

// Further methods of Python, and those that its sandbox forbids.
static const std::unordered_set<std::string_view> otherTextMethods = {
    "casefold",   "center",       "encode",  "expandtabs", "format",
    "format_map", "index",        "isalnum", "isalpha",    "isascii",
    "isdecimal",  "isidentifier", "islower", "isnumeric",  "isprintable",
    "isspace",    "istitle",      "isupper", "ljust",      "maketrans",
    "partition",  "rindex",       "rjust",   "rpartition", "swapcase",
    "translate",  "zfill"};
static const std::unordered_set<std::string_view> otherObjectMethods = {
    "copy", "fromkeys"};
static const std::unordered_set<std::string_view> listMethods = {
    "copy", "count", "index"};
static const std::unordered_set<std::string_view> tupleMethods = {"count",
                                                                  "index"};
static const std::unordered_set<std::string_view> objectChanges = {
    "clear", "pop", "popitem", "setdefault", "update"};
static const std::unordered_set<std::string_view> listChanges = {
    "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};

static bool changes(const Value &object, std::string_view name) {
  return (object.isList(ListKind::List) && listChanges.count(name) != 0) ||
         (object.isObject() && objectChanges.count(name) != 0);
}

static const Table *findTable(const Value &object) {
  return object.isText()     ? &textMethods
         : object.isObject() ? &objectMethods
                             : nullptr;
}

Method sherry::jinja::findMethod(const Value &object, std::string_view name) {
  if (changes(object, name))
    throw Error(std::string(object.isList() ? "lists" : "objects") +
                " do not change, neither here nor in transformers; use "
                "namespace and + instead of '" +
                std::string(name) + "'");
  const Table *table = findTable(object);
  if (!table)
    return nullptr;
  const auto found = table->find(name);
  return found == table->end() ? nullptr : found->second;
}

std::optional<Value> sherry::jinja::findBoundMethod(const Value &object,
                                                    std::string_view name) {
  if (changes(object, name))
    return Value(Undefined{std::string(name)});
  const Table *table = findTable(object);
  const bool isKnown =
      (table && table->count(name) != 0) ||
      (object.isText() && otherTextMethods.count(name) != 0) ||
      (object.isObject() && otherObjectMethods.count(name) != 0) ||
      (object.isList(ListKind::List) && listMethods.count(name) != 0) ||
      (object.isList(ListKind::Tuple) && tupleMethods.count(name) != 0);
  if (!isKnown)
    return std::nullopt;
  return Value(std::make_shared<const Callable>(
      Callable{std::string(name), nullptr, nullptr}));
}
