//===- Value.cpp - Values of a template's expressions ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Value.h"

#include <algorithm>
#include <utility>

using namespace sherry::jinja;

Value::Value(Undefined undefined)
    : data(std::make_shared<const Undefined>(std::move(undefined))) {}

static void checkWeight(size_t weight) {
  if (weight > Value::maxWeight)
    throw Error("a list or an object becomes too large");
}

/// Adds a member to the depth and the weight of its container.
static void measure(const Value &value, unsigned &depth, size_t &weight) {
  depth = std::max(depth, value.depth() + 1);
  weight += value.weight();
  if (depth > Value::maxDepth)
    throw Error("lists lie within each other more than " +
                std::to_string(Value::maxDepth) + " levels deep");
  checkWeight(weight);
}

Value Value::list(Values elements, ListKind kind) {
  unsigned depth = 1;
  size_t weight = 1;
  for (const Value &element : elements)
    measure(element, depth, weight);
  Footprint footprint(elements.size() * sizeof(Value));
  Value result;
  result.data = std::make_shared<const List>(
      List{std::move(elements), kind, depth, weight, std::move(footprint)});
  return result;
}

Value Value::object(Entries entries) {
  unsigned depth = 1;
  size_t weight = 1, longest = 1;
  for (const auto &[key, value] : entries) {
    if (!key.isText() && !key.isNumber())
      throw Error(std::string(key.kind()) + " cannot be a key");
    measure(key, depth, weight);
    measure(value, depth, weight);
    longest = std::max(longest, key.weight());
  }
  // The weight includes comparing two objects, which looks up the keys of one
  // in the other.
  weight += entries.size() * entries.size() / 8 * longest;
  checkWeight(weight);
  Footprint footprint(entries.size() * sizeof(Entries::value_type));
  Value result;
  result.data = std::make_shared<const Object>(
      Object{std::move(entries), depth, weight, std::move(footprint)});
  return result;
}

const Values &Value::takeElements() const {
  static const Values none;
  const List &list = *std::get<std::shared_ptr<const List>>(data);
  if (list.kind == ListKind::Lazy && std::exchange(list.isSpent, true))
    return none;
  return list.elements;
}

std::optional<int64_t> Value::integer() const {
  if (isBoolean())
    return boolean();
  if (isInteger())
    return std::get<int64_t>(data);
  return std::nullopt;
}

double Value::number() const {
  if (auto whole = integer())
    return static_cast<double>(*whole);
  return std::get<double>(data);
}

const Callable *Value::callable() const {
  const auto *pointer = std::get_if<std::shared_ptr<const Callable>>(&data);
  return pointer ? pointer->get() : nullptr;
}

Namespace *Value::space() const {
  const auto *pointer = std::get_if<Namespace *>(&data);
  return pointer ? *pointer : nullptr;
}

const Value *Value::find(std::string_view key) const {
  for (const auto &[name, value] : entries())
    if (name.isText() && name.text().bytes() == key)
      return &value;
  return nullptr;
}

const Value *Value::find(const Value &key) const {
  for (const auto &[name, value] : entries())
    if (name == key)
      return &value;
  return nullptr;
}

bool Value::isTrue() const {
  if (isUndefined() || isNone())
    return false;
  if (isNumber())
    return number() != 0;
  if (isText())
    return !text().empty();
  if (isList())
    return listKind() == ListKind::Lazy || !elements().empty();
  if (isObject())
    return !entries().empty();
  return true;
}

unsigned Value::depth() const {
  if (isList())
    return std::get<std::shared_ptr<const List>>(data)->depth;
  if (isObject())
    return std::get<std::shared_ptr<const Object>>(data)->depth;
  return 0;
}

size_t Value::weight() const {
  if (isText())
    return 1 + text().size() / 64;
  if (isList())
    return std::get<std::shared_ptr<const List>>(data)->weight;
  if (isObject())
    return std::get<std::shared_ptr<const Object>>(data)->weight;
  return 1;
}

const char *Value::kind() const {
  static constexpr const char *names[] = {
      "nothing", "none",   "a boolean", "a number",   "a number",
      "a text",  "a list", "an object", "a function", "a namespace"};
  return names[data.index()];
}

bool sherry::jinja::operator==(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber()) {
    const auto x = a.integer(), y = b.integer();
    return x && y ? *x == *y : a.number() == b.number();
  }
  if (a.isText() && b.isText())
    return a.text().bytes() == b.text().bytes();
  if (a.isList() && b.isList())
    return a.listKind() == b.listKind() &&
           (a.listKind() == ListKind::Lazy ? &a.elements() == &b.elements()
                                           : a.elements() == b.elements());
  if (a.isObject() && b.isObject()) {
    if (a.entries().size() != b.entries().size())
      return false;
    return std::all_of(a.entries().begin(), a.entries().end(),
                       [&](const auto &entry) {
                         const Value *other = b.find(entry.first);
                         return other && entry.second == *other;
                       });
  }
  if (a.callable() || b.callable())
    return a.callable() == b.callable();
  if (a.space() || b.space())
    return a.space() == b.space();
  return (a.isNone() && b.isNone()) || (a.isUndefined() && b.isUndefined());
}

int sherry::jinja::compare(const Value &a, const Value &b) {
  auto order = [](const auto &x, const auto &y) {
    return x < y ? -1 : x > y ? 1 : 0;
  };
  if (a.isNumber() && b.isNumber()) {
    const auto x = a.integer(), y = b.integer();
    return x && y ? order(*x, *y) : order(a.number(), b.number());
  }
  // The order of UTF-8 bytes is the order of the characters.
  if (a.isText() && b.isText())
    return order(a.text().bytes(), b.text().bytes());
  if (a.isListOrTuple() && b.isList(a.listKind())) {
    const Values &x = a.elements(), &y = b.elements();
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!(x[i] == y[i]))
        return compare(x[i], y[i]);
    return order(x.size(), y.size());
  }
  throw Error(std::string("there is no order between ") + a.kind() + " and " +
              b.kind());
}
