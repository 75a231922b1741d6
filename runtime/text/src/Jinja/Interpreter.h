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

/// What a function, a filter, a test or a method is called with.
class Arguments {
public:
  Arguments(std::string callee, Values positional = {})
      : callee(std::move(callee)), positional(std::move(positional)) {}
  void addKeyword(std::string name, Value value) {
    keywords.emplace_back(std::move(name), std::move(value));
  }

  /// The argument of a place or, unless it is empty, a name; null if there is
  /// none.
  const Value *get(size_t place, std::string_view name);
  const Value &require(size_t place, std::string_view name);
  int64_t getInteger(size_t place, std::string_view name, int64_t fallback);
  bool getBoolean(size_t place, std::string_view name, bool fallback);
  /// Null: not given, or none.
  const Text *getText(size_t place, std::string_view name);
  const Text &requireText(size_t place, std::string_view name);
  /// How long it may take to go through them.
  size_t weight() const;
  /// All arguments have been asked for, or it is an error.
  void finish() const;

  const std::string callee;
  Values positional;
  std::vector<std::pair<std::string, Value>> keywords;

private:
  size_t used = 0; ///< places that were asked for
  std::vector<std::string_view> usedNames;
};

class Interpreter;

/// A macro, a function that is built in, or a method that nobody calls.
class Callable {
public:
  using Function = Value (*)(Interpreter &, Arguments &);
  std::string name;
  const Statement *macro; ///< null: none
  Function function;      ///< null: none
};

/// Steps for each 64 bytes of a text that is written with quotes.
inline constexpr size_t kQuoteCost = 32;

class Interpreter {
public:
  Interpreter(const Entries &variables, const Environment &environment);
  Text run(const Statements &statements);

  /// Counts steps; throws where there are too many.
  void charge(size_t steps);
  /// The steps of looking for a key or a name of this weight among others.
  void chargeSearch(size_t others, size_t weight = 1) {
    charge(others * weight / 8);
  }
  /// As Python's str gives it. To write a letter of a text within a list or an
  /// object takes as long as a step.
  Text textOf(const Value &value) {
    if (!value.isText())
      charge(kQuoteCost * value.weight());
    return value.toText();
  }
  Value applyFilter(const std::string &name, const Value &input,
                    Arguments &arguments);
  bool applyTest(const std::string &name, const Value &input,
                 Arguments &arguments);
  /// A variable of another name than all that the template sets.
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
  /// A filter of a block: the innermost one's input is `text`.
  Value filterBlock(const Expression &filter, const Value &text, Scope &scope);

  const Environment &environment;
  uint64_t steps = 0;
  unsigned level = 0;
  Scope globals;
  std::deque<Namespace> namespaces; ///< of all that were made
};

// What expressions do, without variables. All throw Error. Those that are given
// the interpreter count their steps.

/// object.name or object[key]: Undefined if there is no such thing.
Value getMember(Interpreter &interpreter, const Value &object,
                const Value &key);
/// What a for loop goes through.
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
/// Null: such values have no such method.
Method findMethod(const Value &object, std::string_view name);
/// What object.name is where Python finds a method before it looks for a
/// member; nothing if there is no such method. It can be asked for, not called:
/// calls find their method by themselves.
std::optional<Value> findBoundMethod(const Value &object,
                                     std::string_view name);
/// Null: there is none.
Filter findTextFilter(std::string_view name);
Filter findListFilter(std::string_view name);
/// The functions that every template has.
Entries listFunctions();

} // namespace sherry::jinja

#endif // SHERRY_RUNTIME_TEXT_JINJA_INTERPRETER_H
