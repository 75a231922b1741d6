//===- Value.h - Values of a template's expressions -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_VALUE_H
#define SHERRY_TEXT_JINJA_VALUE_H

#include "sherry/text/jinja/Error.h"
#include "sherry/text/jinja/Text.h"

#include <memory>
#include <optional>
#include <variant>

namespace sherry::jinja {

class Value;
class Callable;
struct Namespace;

using Values = std::vector<Value>;
/// Keys (texts or numbers) with their values, in the order of insertion.
using Entries = std::vector<std::pair<Value, Value>>;

/// The value of an undefined name: it prints as nothing, and using it is an
/// error.
struct Undefined {
  std::string name;
  Footprint footprint{};
};
struct None {};

/// The type that a list has in Python.
enum class ListKind {
  List,
  Tuple,
  Range, ///< the result of range()
  Keys,  ///< of an object, like the next two
  Values,
  Items,
  Lazy ///< the result of map, select etc.: not indexable, iterated once
};

/// How values are written as JSON; the arguments of Python's json.dumps.
struct JsonStyle {
  int64_t indent = -1; ///< negative: all on one line
  bool isAscii = false;
  bool sortsKeys = false;
  /// Null: ", " (with an indent ",") and ": ".
  const Text *itemSeparator = nullptr, *keySeparator = nullptr;
};

/// Lists and objects are immutable, as in the sandbox of transformers, so no
/// value contains itself.
class Value {
public:
  /// The most levels of nested lists and objects.
  static constexpr unsigned maxDepth = 64;
  /// The most weight of a value: elements of all levels plus texts in units of
  /// 64 bytes.
  static constexpr size_t maxWeight = size_t{1} << 22;

  Value(Undefined undefined = {});
  Value(None) : data(None()) {}
  Value(bool value) : data(value) {}
  Value(int64_t value) : data(value) {}
  Value(double value) : data(value) {}
  Value(Text text) : data(std::make_shared<const Text>(std::move(text))) {}
  Value(const char *text) : Value(Text(text)) {}
  /// Throws Error beyond maxDepth and maxWeight.
  static Value list(Values elements, ListKind kind = ListKind::List);
  static Value object(Entries entries);
  Value(std::shared_ptr<const Callable> callable) : data(std::move(callable)) {}
  /// The value does not own the namespace.
  Value(Namespace *space) : data(space) {}

  bool isUndefined() const { return is<std::shared_ptr<const Undefined>>(); }
  bool isNone() const { return is<None>(); }
  bool isBoolean() const { return is<bool>(); }
  bool isInteger() const { return is<int64_t>(); }
  bool isFloat() const { return is<double>(); }
  /// Booleans are numbers, as in Python.
  bool isNumber() const { return isBoolean() || isInteger() || isFloat(); }
  bool isText() const { return is<std::shared_ptr<const Text>>(); }
  bool isList() const { return is<std::shared_ptr<const List>>(); }
  bool isList(ListKind kind) const { return isList() && listKind() == kind; }
  bool isListOrTuple() const {
    return isList(ListKind::List) || isList(ListKind::Tuple);
  }
  /// Whether it is a list that can be indexed.
  bool hasPlaces() const { return isListOrTuple() || isList(ListKind::Range); }
  bool isObject() const { return is<std::shared_ptr<const Object>>(); }

  // For values of the respective kind only.
  bool boolean() const { return std::get<bool>(data); }
  const Text &text() const {
    return *std::get<std::shared_ptr<const Text>>(data);
  }
  const Values &elements() const {
    return std::get<std::shared_ptr<const List>>(data)->elements;
  }
  ListKind listKind() const {
    return std::get<std::shared_ptr<const List>>(data)->kind;
  }
  /// The elements, for iteration; of a lazy list only once.
  const Values &takeElements() const;
  const Entries &entries() const {
    return std::get<std::shared_ptr<const Object>>(data)->entries;
  }
  const std::string &undefinedName() const {
    return std::get<std::shared_ptr<const Undefined>>(data)->name;
  }
  /// The value of an integer, or 1 and 0 for true and false; else nothing.
  std::optional<int64_t> integer() const;
  double number() const; ///< of any number
  const Callable *callable() const;
  Namespace *space() const; ///< null: not a namespace

  /// The member of an object; null if there is none.
  const Value *find(std::string_view key) const;
  const Value *find(const Value &key) const;

  bool isTrue() const;
  unsigned depth() const;
  /// A bound of the time to iterate over the value; see maxWeight.
  size_t weight() const;
  /// The kind of the value for messages: "a text", "a list".
  const char *kind() const;

  /// The result of Python's str. Throws Error for values without such a text.
  Text toText() const;
  Text toJson(const JsonStyle &style) const;

private:
  struct List {
    Values elements;
    ListKind kind;
    unsigned depth;
    size_t weight;
    Footprint footprint;
    mutable bool isSpent = false; ///< lazy, and gone through
  };
  struct Object {
    Entries entries;
    unsigned depth;
    size_t weight;
    Footprint footprint;
  };
  template <typename T> bool is() const {
    return std::holds_alternative<T>(data);
  }
  std::variant<std::shared_ptr<const Undefined>, None, bool, int64_t, double,
               std::shared_ptr<const Text>, std::shared_ptr<const List>,
               std::shared_ptr<const Object>, std::shared_ptr<const Callable>,
               Namespace *>
      data;
};

/// The mutable object of {% set x.y = ... %}.
struct Namespace {
  Entries entries;
  Footprint footprint{};
};

bool operator==(const Value &a, const Value &b);
/// Returns a negative number, zero or a positive number. Throws Error if `a`
/// and `b` have no order.
int compare(const Value &a, const Value &b);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_VALUE_H
