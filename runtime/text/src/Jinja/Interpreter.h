//===- Interpreter.h - Evaluates templates ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_JINJA_INTERPRETER_H
#define SHERRY_RUNTIME_TEXT_JINJA_INTERPRETER_H

#include "Syntax.h"
#include "sherry/text/jinja/Template.h"

#include <deque>

namespace sherry::jinja {

/// The arguments of a function, a filter, a test or a method.
class Arguments {
public:
  Arguments(std::string callee, Values positional = {})
      : callee(std::move(callee)), positional(std::move(positional)) {}
  void addKeyword(std::string name, Value value) {
    keywords.emplace_back(std::move(name), std::move(value));
  }

  /// The argument of a position or, unless `name` is empty, of a name; null if
  /// it was not given.
  const Value *get(size_t place, std::string_view name);
  const Value &require(size_t place, std::string_view name);
  int64_t getInteger(size_t place, std::string_view name, int64_t fallback);
  bool getBoolean(size_t place, std::string_view name, bool fallback);
  /// The text of an argument; null if it was not given, or is none.
  const Text *getText(size_t place, std::string_view name);
  const Text &requireText(size_t place, std::string_view name);
  /// A bound of the time to iterate over the arguments.
  size_t weight() const;
  /// Throws Error unless all arguments have been used.
  void finish() const;

  const std::string callee;
  Values positional;
  std::vector<std::pair<std::string, Value>> keywords;

private:
  size_t used = 0; ///< positional arguments that were used
  std::vector<std::string_view> usedNames;
};

class Interpreter;

/// A macro, a built-in function, or a bound method, which cannot be called.
class Callable {
public:
  using Function = Value (*)(Interpreter &, Arguments &);
  std::string name;
  const Statement *macro; ///< null: none
  Function function;      ///< null: none
};

/// Steps for each 64 bytes of a text that is written in quotes.
inline constexpr size_t kQuoteCost = 32;

class Interpreter {
public:
  Interpreter(const Entries &variables, const Environment &environment);
  Text run(const Statements &statements);

  /// Counts steps; throws Error if there are too many.
  void charge(size_t steps);
  /// Counts the steps of searching a key or a name of this weight among others.
  void chargeSearch(size_t others, size_t weight = 1) {
    charge(others * weight / 8);
  }
  /// The result of Python's str. Writing a letter of a text within a list or an
  /// object costs a step.
  Text textOf(const Value &value) {
    if (!value.isText())
      charge(kQuoteCost * value.weight());
    return value.toText();
  }
  Value applyFilter(const std::string &name, const Value &input,
                    Arguments &arguments);
  bool applyTest(const std::string &name, const Value &input,
                 Arguments &arguments);
  /// A value that refers to a new namespace with these entries.
  Value makeNamespace(Entries entries);
  const Environment &getEnvironment() const { return environment; }

private:
  struct Scope {
    Scope *parent;
    std::vector<std::pair<std::string, Value>> variables;
    void set(const std::string &name, Value value);
  };
  enum class Flow { Next, Break, Continue };
  class Level;

  Flow execute(const Statements &statements, Scope &scope, Text &out);
  Flow execute(const Statement &statement, Scope &scope, Text &out);
  Flow executeFor(const Statement &statement, Scope &scope, Text &out);
  Flow executeIf(const Statement &statement, Scope &scope, Text &out);
  Flow executeWith(const Statement &statement, Scope &scope, Text &out);
  void setVariable(Scope &scope, const std::string &name, Value value);
  void executeSet(const Statement &statement, Scope &scope);
  Value executeBlock(const Statement &statement, Scope &scope, Flow &flow);
  void setTargets(const std::vector<std::string> &names, const Value &value,
                  Scope &scope);
  Value callMacro(const Callable &callable, Arguments &arguments);

  Value evaluate(const Expression &expression, Scope &scope);
  Value evaluateKind(const Expression &expression, Scope &scope);
  Value lookUp(const std::string &name, Scope &scope);
  Value evaluateContainer(const Expression &expression, Scope &scope);
  Value evaluateSlice(const Expression &expression, Scope &scope);
  Value evaluateCall(const Expression &expression, Scope &scope);
  Value evaluateFilter(const Expression &expression, const Value &input,
                       Scope &scope);
  Value evaluateTest(const Expression &expression, Scope &scope);
  Value evaluateBinary(const Expression &expression, Scope &scope);
  Value evaluateCompare(const Expression &expression, Scope &scope);
  Value evaluateConditional(const Expression &expression, Scope &scope);
  Arguments evaluateArguments(const Expression &expression, std::string callee,
                              Scope &scope);
  /// Applies the filters of a block; the input of the innermost one is `text`.
  Value filterBlock(const Expression &filter, const Value &text, Scope &scope);

  const Environment &environment;
  uint64_t steps = 0;
  unsigned level = 0;
  Scope globals;
  std::deque<Namespace> namespaces; ///< all that were made
};

// Operations of expressions. All throw Error. Functions that take the
// interpreter count their steps.

/// object.name or object[key]; Undefined if it does not exist.
Value getMember(Interpreter &interpreter, const Value &object,
                const Value &key);
/// The elements that a for loop iterates over.
Values listElements(Interpreter &interpreter, const Value &value);
size_t countElements(const Value &value);
bool contains(const Value &container, const Value &element);
Value applyUnary(const std::string &name, const Value &operand);
Value applyBinary(const std::string &name, const Value &a, const Value &b);
bool applyCompare(const std::string &name, const Value &a, const Value &b);
/// Each of start, stop and step may be undefined or none.
Value applySlice(const Value &value, const Value &start, const Value &stop,
                 const Value &step);
using Filter = Value (*)(Interpreter &, const Value &, Arguments &);
using Method = Filter;
/// A method of a value; null if its kind has no method of this name.
Method findMethod(const Value &object, std::string_view name);
/// The value of object.name if Python finds a method before a member; nothing
/// if there is no such method. The value can be tested, not called: calls find
/// their method by themselves.
std::optional<Value> findBoundMethod(const Value &object,
                                     std::string_view name);
/// A filter of texts; null if there is none of this name.
Filter findTextFilter(std::string_view name);
Filter findListFilter(std::string_view name);
/// The functions that every template has.
Entries listFunctions();

} // namespace sherry::jinja

#endif // SHERRY_RUNTIME_TEXT_JINJA_INTERPRETER_H
