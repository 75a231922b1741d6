//===- ListFilters.cpp - Filters of templates for lists and objects -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

using namespace sherry::jinja;

static Value length(Interpreter &, const Value &value, Arguments &) {
  return Value(static_cast<int64_t>(countElements(value)));
}

static Value fallBack(Interpreter &, const Value &value, Arguments &arguments) {
  const Value *fallback = arguments.get(0, "default_value");
  const bool always = arguments.getBoolean(1, "boolean", false);
  const bool isMissing = always ? !value.isTrue() : value.isUndefined();
  return !isMissing ? value : fallback ? *fallback : Value(Text());
}

static Value first(Interpreter &interpreter, const Value &value, Arguments &) {
  if (value.isText())
    return getMember(interpreter, value, Value(int64_t{0}));
  const Values elements = listElements(interpreter, value);
  return elements.empty() ? Value(Undefined{"the first of nothing"})
                          : elements.front();
}

static Value last(Interpreter &interpreter, const Value &value, Arguments &) {
  if (value.isText())
    return getMember(interpreter, value, Value(int64_t{-1}));
  if (value.isList(ListKind::Lazy))
    throw Error("last: the list is not made yet; put list before it");
  const Values elements = listElements(interpreter, value);
  return elements.empty() ? Value(Undefined{"the last of nothing"})
                          : elements.back();
}

static Value toList(Interpreter &interpreter, const Value &value, Arguments &) {
  return Value::list(listElements(interpreter, value));
}

static Value reverse(Interpreter &interpreter, const Value &value,
                     Arguments &) {
  if (value.isText())
    return applySlice(value, None(), None(), Value(int64_t{-1}));
  Values elements = listElements(interpreter, value);
  std::reverse(elements.begin(), elements.end());
  const bool isMade = value.isList(ListKind::Lazy) || value.isUndefined();
  return Value::list(std::move(elements),
                     isMade ? ListKind::List : ListKind::Lazy);
}

/// The member of a path such as "function.name".
static Value getPath(Interpreter &interpreter, const Value &value,
                     const Value &path) {
  if (!path.isText())
    return getMember(interpreter, value, path);
  Value result = value;
  const Text dot(".");
  for (const Text &part : path.text().split(&dot, -1, false)) {
    interpreter.charge(1);
    const std::string &name = part.bytes();
    const bool isIndex =
        !name.empty() && name.size() < 18 &&
        name.find_first_not_of("0123456789") == std::string::npos;
    result =
        getMember(interpreter, result,
                  isIndex ? Value(int64_t{std::stoll(name)}) : Value(part));
  }
  return result;
}

static Value join(Interpreter &interpreter, const Value &value,
                  Arguments &arguments) {
  const Value *separator = arguments.get(0, "d");
  const Value *attribute = arguments.get(1, "attribute");
  Text result;
  bool isFirst = true;
  for (const Value &element : listElements(interpreter, value)) {
    if (!std::exchange(isFirst, false) && separator)
      result.append(interpreter.textOf(*separator));
    result.append(interpreter.textOf(
        attribute ? getPath(interpreter, element, *attribute) : element));
  }
  return Value(std::move(result));
}

/// The result of a filter for an empty or undefined value, with any arguments.
static Value passNothing(Arguments &arguments) {
  arguments.get(SIZE_MAX - 1, "");
  for (const auto &[name, value] : arguments.keywords)
    arguments.get(SIZE_MAX - 1, name);
  return Value::list({}, ListKind::Lazy);
}

/// map: an attribute of each element, or the result of a filter for it.
static Value map(Interpreter &interpreter, const Value &value,
                 Arguments &arguments) {
  Values result;
  if (!value.isTrue())
    return passNothing(arguments);
  if (const Value *attribute = arguments.get(SIZE_MAX - 1, "attribute")) {
    const Value *fallback = arguments.get(SIZE_MAX - 1, "default");
    for (const Value &element : listElements(interpreter, value)) {
      Value member = getPath(interpreter, element, *attribute);
      result.push_back(member.isUndefined() && fallback ? *fallback
                                                        : std::move(member));
    }
    return Value::list(std::move(result), ListKind::Lazy);
  }
  const std::string name = arguments.requireText(0, "filter").bytes();
  const Values rest(arguments.positional.begin() + 1,
                    arguments.positional.end());
  for (const auto &[keyword, given] : arguments.keywords)
    arguments.get(0, keyword); // of the filter
  for (const Value &element : listElements(interpreter, value)) {
    Arguments inner(name, rest);
    inner.keywords = arguments.keywords;
    result.push_back(interpreter.applyFilter(name, element, inner));
  }
  return Value::list(std::move(result), ListKind::Lazy);
}

/// select, reject, selectattr and rejectattr: the elements that pass a test.
template <bool wanted, bool hasAttribute>
static Value select(Interpreter &interpreter, const Value &value,
                    Arguments &arguments) {
  if (!value.isTrue())
    return passNothing(arguments);
  const size_t place = hasAttribute ? 1 : 0;
  const Value *attribute =
      hasAttribute ? &arguments.require(0, "attribute") : nullptr;
  const Text *test = arguments.getText(place, "test");
  Values rest;
  for (size_t i = place + 1; i < arguments.positional.size(); ++i)
    rest.push_back(*arguments.get(i, ""));
  Values chosen;
  for (const Value &element : listElements(interpreter, value)) {
    const Value member =
        attribute ? getPath(interpreter, element, *attribute) : element;
    interpreter.charge(1);
    bool passes = member.isTrue();
    if (test) {
      Arguments inner(test->bytes(), rest);
      passes = interpreter.applyTest(test->bytes(), member, inner);
    }
    if (passes == wanted)
      chosen.push_back(element);
  }
  return Value::list(std::move(chosen), ListKind::Lazy);
}

static Value listItems(Interpreter &, const Value &value, Arguments &) {
  Values items;
  if (!value.isUndefined() && !value.isObject())
    throw Error("items: " + std::string(value.kind()) + " is not an object");
  if (value.isObject())
    for (const auto &[key, member] : value.entries())
      items.push_back(Value::list({key, member}, ListKind::Tuple));
  return Value::list(std::move(items), ListKind::Lazy);
}

/// The key by which elements are sorted: upper case letters count as lower case
/// ones, unless the arguments say otherwise.
static Value sortKey(const Value &value, bool isCaseSensitive) {
  return value.isText() && !isCaseSensitive ? Value(value.text().lower())
                                            : value;
}

static Value sortBy(Interpreter &interpreter, const Values &elements,
                    const Values &keys, bool isReversed) {
  std::vector<size_t> places(elements.size());
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = i;
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    interpreter.charge(std::min(keys[a].weight(), keys[b].weight()));
    return isReversed ? compare(keys[b], keys[a]) < 0
                      : compare(keys[a], keys[b]) < 0;
  });
  Values sorted;
  for (size_t place : places)
    sorted.push_back(elements[place]);
  return Value::list(std::move(sorted));
}

static Value sort(Interpreter &interpreter, const Value &value,
                  Arguments &arguments) {
  const bool isReversed = arguments.getBoolean(0, "reverse", false);
  const bool isCaseSensitive = arguments.getBoolean(1, "case_sensitive", false);
  const Value *attribute = arguments.get(2, "attribute");
  const Values elements = listElements(interpreter, value);
  Values keys;
  for (const Value &element : elements)
    keys.push_back(
        sortKey(attribute ? getPath(interpreter, element, *attribute) : element,
                isCaseSensitive));
  return sortBy(interpreter, elements, keys, isReversed);
}

static Value sortObject(Interpreter &interpreter, const Value &value,
                        Arguments &arguments) {
  const bool isCaseSensitive = arguments.getBoolean(0, "case_sensitive", false);
  const Text *by = arguments.getText(1, "by");
  const bool isReversed = arguments.getBoolean(2, "reverse", false);
  if (!value.isObject())
    throw Error("dictsort: " + std::string(value.kind()) + " is not an object");
  Values items, keys;
  for (const auto &[key, member] : value.entries()) {
    items.push_back(Value::list({key, member}, ListKind::Tuple));
    keys.push_back(
        sortKey(by && by->bytes() == "value" ? member : key, isCaseSensitive));
  }
  return sortBy(interpreter, items, keys, isReversed);
}

static Value unique(Interpreter &interpreter, const Value &value,
                    Arguments &arguments) {
  const bool isCaseSensitive = arguments.getBoolean(0, "case_sensitive", false);
  const Value *attribute = arguments.get(1, "attribute");
  Values result, keys;
  for (const Value &element : listElements(interpreter, value)) {
    Value key =
        sortKey(attribute ? getPath(interpreter, element, *attribute) : element,
                isCaseSensitive);
    interpreter.charge((1 + keys.size()) * key.weight());
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      continue;
    keys.push_back(std::move(key));
    result.push_back(element);
  }
  return Value::list(std::move(result), ListKind::Lazy);
}

static Value sum(Interpreter &interpreter, const Value &value,
                 Arguments &arguments) {
  const Value *attribute = arguments.get(0, "attribute");
  const Value *start = arguments.get(1, "start");
  Value result = start ? *start : Value(int64_t{0});
  if (result.isText())
    throw Error("sum: texts cannot be added, join them");
  for (const Value &element : listElements(interpreter, value)) {
    const Value term =
        attribute ? getPath(interpreter, element, *attribute) : element;
    interpreter.charge(result.weight() + term.weight());
    result = applyBinary("+", result, term);
  }
  return result;
}

template <bool isLeast>
static Value extreme(Interpreter &interpreter, const Value &value,
                     Arguments &) {
  const Values elements = listElements(interpreter, value);
  if (elements.empty())
    return Value(Undefined{"the least or greatest of nothing"});
  const Value *result = &elements.front();
  Value best = sortKey(*result, false);
  for (size_t i = 1; i < elements.size(); ++i) {
    Value key = sortKey(elements[i], false);
    const int order = compare(key, best);
    if (isLeast ? order < 0 : order > 0) {
      result = &elements[i];
      best = std::move(key);
    }
  }
  return *result;
}

static const std::unordered_map<std::string_view, Filter> filters = {
    {"length", length},
    {"count", length},
    {"default", fallBack},
    {"d", fallBack},
    {"first", first},
    {"last", last},
    {"list", toList},
    {"reverse", reverse},
    {"join", join},
    {"map", map},
    {"select", select<true, false>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<false, true>},
    {"items", listItems},
    {"dictsort", sortObject},
    {"sort", sort},
    {"unique", unique},
    {"sum", sum},
    {"min", extreme<true>},
    {"max", extreme<false>},
};

Filter sherry::jinja::findListFilter(std::string_view name) {
  const auto found = filters.find(name);
  return found == filters.end() ? nullptr : found->second;
}
