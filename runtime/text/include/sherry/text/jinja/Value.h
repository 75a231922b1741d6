//===- Value.h - What expressions of a template give ------------*- C++ -*-===//
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
/// Keys are texts or numbers, in the order in which they were added.
using Entries = std::vector<std::pair<Value, Value>>;

/// What was not there; to print it gives nothing, to use it is an error.
struct Undefined {
  std::string name;
  Footprint footprint{};
};
struct None {};

/// What Python has where there is a list here.
enum class ListKind {
  List,
  Tuple,
  Range, ///< of the function range
  Keys,  ///< of an object, as are the next two
  Values,
  Items,
  Lazy ///< of map, select and their like: without places, gone through once
};

/// How values are written as JSON, as the arguments of Python's json.dumps.
struct JsonStyle {
  int64_t indent = -1; ///< negative: all in a line
  bool isAscii = false;
  bool sortsKeys = false;
  /// Null: ", ", or "," before a new line; and ": ".
  const Text *itemSeparator = nullptr, *keySeparator = nullptr;
};

/// Lists and objects do not change once they are made, as in the sandbox of
/// transformers: no value contains itself.
class Value {
public:
  /// Most levels of lists and objects within each other.
  static constexpr unsigned maxDepth = 64;
  /// Most elements of all levels and 64 bytes of texts, together.
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
  /// Whoever made it keeps it.
  Value(Namespace *space) : data(space) {}

  bool isUndefined() const { return is<std::shared_ptr<const Undefined>>(); }
  bool isNone() const { return is<None>(); }
  bool isBoolean() const { return is<bool>(); }
  bool isInteger() const { return is<int64_t>(); }
  bool isFloat() const { return is<double>(); }
  /// As in Python, where true is 1.
  bool isNumber() const { return isBoolean() || isInteger() || isFloat(); }
  bool isText() const { return is<std::shared_ptr<const Text>>(); }
  bool isList() const { return is<std::shared_ptr<const List>>(); }
  bool isList(ListKind kind) const { return isList() && listKind() == kind; }
  bool isListOrTuple() const {
    return isList(ListKind::List) || isList(ListKind::Tuple);
  }
  /// Whether it is a list whose elements have places.
  bool hasPlaces() const { return isListOrTuple() || isList(ListKind::Range); }
  bool isObject() const { return is<std::shared_ptr<const Object>>(); }

  // Of a value that is of this kind.
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
  /// The elements, to go through them: of a lazy list, once.
  const Values &takeElements() const;
  const Entries &entries() const {
    return std::get<std::shared_ptr<const Object>>(data)->entries;
  }
  const std::string &undefinedName() const {
    return std::get<std::shared_ptr<const Undefined>>(data)->name;
  }
  /// A whole number, or true and false as 1 and 0.
  std::optional<int64_t> integer() const;
  double number() const; ///< of any number
  const Callable *callable() const;
  Namespace *space() const; ///< null: is none

  /// The member of an object; null if there is none.
  const Value *find(std::string_view key) const;
  const Value *find(const Value &key) const;

  bool isTrue() const;
  unsigned depth() const;
  /// How long it may take to go through it.
  size_t weight() const;
  /// What the value is: "a text", "a list".
  const char *kind() const;

  /// As Python's str gives it. Throws Error for what has no such text.
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

/// What {% set x.y = ... %} changes.
struct Namespace {
  Entries entries;
  Footprint footprint{};
};

bool operator==(const Value &a, const Value &b);
/// Negative, zero or positive. Throws Error if there is no order between them.
int compare(const Value &a, const Value &b);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_VALUE_H
