//===- Interpreter.cpp - Executes the statements of templates -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"
#include "Parser.h"

#include <algorithm>

using namespace sherry::jinja;

/// The most levels of nested statements, expressions and calls.
static constexpr unsigned maxLevel = 600;

/// Counts a level of nesting while it lives.
class Interpreter::Level {
public:
  explicit Level(Interpreter &owner) : owner(owner) {
    owner.charge(1);
    if (owner.level == maxLevel)
      throw Error("calls lie within each other too deep");
    ++owner.level;
  }
  Level(const Level &) = delete;
  Level &operator=(const Level &) = delete;
  ~Level() { --owner.level; }

private:
  Interpreter &owner;
};

Interpreter::Interpreter(const Entries &variables,
                         const Environment &environment)
    : environment(environment), globals{nullptr, {}} {
  for (const Entries &entries : {listFunctions(), variables})
    for (const auto &[name, value] : entries)
      globals.set(name.text().bytes(), value);
}

void Interpreter::charge(size_t count) {
  steps += count;
  if (steps > environment.maxSteps)
    throw Error("the template takes more than " +
                std::to_string(environment.maxSteps) + " steps");
}

Value Interpreter::makeNamespace(Entries entries) {
  charge(entries.size());
  const size_t bytes = entries.size() * sizeof(Entries::value_type);
  namespaces.push_back({std::move(entries), Footprint(bytes)});
  return Value(&namespaces.back());
}

void Interpreter::Scope::set(const std::string &name, Value value) {
  for (auto &[known, old] : variables)
    if (known == name) {
      old = std::move(value);
      return;
    }
  variables.emplace_back(name, std::move(value));
}

void Interpreter::setVariable(Scope &scope, const std::string &name,
                              Value value) {
  chargeSearch(scope.variables.size());
  scope.set(name, std::move(value));
}

Text Interpreter::run(const Statements &statements) {
  Text out;
  execute(statements, globals, out);
  return out;
}

Interpreter::Flow Interpreter::execute(const Statements &statements,
                                       Scope &scope, Text &out) {
  for (const auto &statement : statements) {
    const Flow flow = execute(*statement, scope, out);
    if (flow != Flow::Next)
      return flow;
  }
  return Flow::Next;
}

Interpreter::Flow Interpreter::execute(const Statement &statement, Scope &scope,
                                       Text &out) {
  try {
    const Level here(*this);
    Flow flow = Flow::Next;
    switch (statement.kind) {
    case Statement::Data:
      out.append(statement.text);
      break;
    case Statement::Print: {
      const Value value = evaluate(*statement.expression, scope);
      charge(value.weight());
      out.append(textOf(value));
      break;
    }
    case Statement::For:
      return executeFor(statement, scope, out);
    case Statement::If:
      return executeIf(statement, scope, out);
    case Statement::With:
      return executeWith(statement, scope, out);
    case Statement::Set:
      executeSet(statement, scope);
      break;
    case Statement::SetBlock:
      setVariable(scope, statement.names[0],
                  executeBlock(statement, scope, flow));
      break;
    case Statement::FilterBlock:
      out.append(executeBlock(statement, scope, flow).toText());
      break;
    case Statement::Macro:
      setVariable(scope, statement.name,
                  Value(std::make_shared<const Callable>(
                      Callable{statement.name, &statement, nullptr})));
      break;
    case Statement::Break:
      return Flow::Break;
    case Statement::Continue:
      return Flow::Continue;
    }
    return flow;
  } catch (const LocatedError &) {
    throw;
  } catch (const Refusal &) {
    throw;
  } catch (const Error &error) {
    throw LocatedError(statement.line, error.what());
  }
}

void Interpreter::setTargets(const std::vector<std::string> &names,
                             const Value &value, Scope &scope) {
  if (names.size() == 1)
    return setVariable(scope, names[0], value);
  const Values elements = listElements(*this, value);
  if (elements.size() != names.size())
    throw Error(std::to_string(elements.size()) + " values cannot be set to " +
                std::to_string(names.size()) + " variables");
  for (size_t i = 0; i < names.size(); ++i)
    setVariable(scope, names[i], elements[i]);
}

/// The variable "loop" in pass `i` of a loop.
static Value describeLoop(const Values &elements, size_t i) {
  const auto index = static_cast<int64_t>(i);
  const auto count = static_cast<int64_t>(elements.size());
  Entries entries = {{"index", index + 1},
                     {"index0", index},
                     {"revindex", count - index},
                     {"revindex0", count - index - 1},
                     {"first", i == 0},
                     {"last", index + 1 == count},
                     {"length", count}};
  if (i > 0)
    entries.emplace_back("previtem", elements[i - 1]);
  if (index + 1 < count)
    entries.emplace_back("nextitem", elements[i + 1]);
  return Value::object(std::move(entries));
}

Interpreter::Flow Interpreter::executeFor(const Statement &statement,
                                          Scope &scope, Text &out) {
  Values elements = listElements(*this, evaluate(*statement.expression, scope));
  const Footprint footprint(elements.size() * sizeof(Value));
  if (statement.filter) {
    Values chosen;
    for (Value &element : elements) {
      Scope inner = {&scope, {}};
      setTargets(statement.names, element, inner);
      if (evaluate(*statement.filter, inner).isTrue())
        chosen.push_back(std::move(element));
    }
    elements = std::move(chosen);
  }
  bool hasEnded = false;
  for (size_t i = 0; i < elements.size(); ++i) {
    // Variables that are set in a pass are gone in the next one.
    Scope inner = {&scope, {}};
    inner.set("loop", describeLoop(elements, i));
    setTargets(statement.names, elements[i], inner);
    const Flow flow = execute(statement.body, inner, out);
    hasEnded |= flow == Flow::Next;
    if (flow == Flow::Break)
      break;
  }
  // As in Jinja, passes that end early do not count.
  return hasEnded ? Flow::Next : execute(statement.other, scope, out);
}

Interpreter::Flow Interpreter::executeIf(const Statement &statement,
                                         Scope &scope, Text &out) {
  for (const Statement::Branch &branch : statement.branches)
    if (evaluate(*branch.condition, scope).isTrue())
      return execute(branch.body, scope, out);
  return execute(statement.other, scope, out);
}

Interpreter::Flow Interpreter::executeWith(const Statement &statement,
                                           Scope &scope, Text &out) {
  Scope inner = {&scope, {}};
  for (const auto &[name, expression] : statement.keywords)
    setVariable(inner, name, evaluate(*expression, scope));
  return execute(statement.body, inner, out);
}

void Interpreter::executeSet(const Statement &statement, Scope &scope) {
  const Value value = evaluate(*statement.expression, scope);
  if (statement.space.empty())
    return setTargets(statement.names, value, scope);
  Namespace *space = lookUp(statement.space, scope).space();
  if (!space)
    throw Error("'" + statement.space +
                "' is not a namespace; its members cannot be set");
  chargeSearch(space->entries.size());
  for (auto &[name, old] : space->entries)
    if (name.text().bytes() == statement.names[0]) {
      old = value;
      return;
    }
  space->footprint.grow(sizeof(Entries::value_type));
  space->entries.emplace_back(Text(statement.names[0]), value);
}

/// The output of the body of a block, after its filters.
Value Interpreter::executeBlock(const Statement &statement, Scope &scope,
                                Flow &flow) {
  Text text;
  Scope inner = {&scope, {}};
  flow = execute(statement.body, inner, text);
  charge(text.size() / 64);
  return statement.filter
             ? filterBlock(*statement.filter, Value(std::move(text)), scope)
             : Value(std::move(text));
}

Value Interpreter::callMacro(const Callable &callable, Arguments &arguments) {
  const Statement &macro = *callable.macro;
  Scope inner = {&globals, {}};
  chargeSearch(arguments.keywords.size(), macro.keywords.size());
  for (size_t i = 0; i < macro.keywords.size(); ++i) {
    const auto &[name, fallback] = macro.keywords[i];
    if (const Value *value = arguments.get(i, name))
      setVariable(inner, name, *value);
    else if (fallback)
      setVariable(inner, name, evaluate(*fallback, inner));
    else
      setVariable(inner, name, Value(Undefined{name}));
  }
  arguments.finish();
  Text text;
  execute(macro.body, inner, text);
  charge(text.size() / 64);
  return Value(std::move(text));
}

Value Interpreter::evaluate(const Expression &expression, Scope &scope) {
  try {
    const Level here(*this);
    return evaluateKind(expression, scope);
  } catch (const LocatedError &) {
    throw;
  } catch (const Refusal &) {
    throw;
  } catch (const Error &error) {
    throw LocatedError(expression.line, error.what());
  }
}

//===----------------------------------------------------------------------===//
// Templates
//===----------------------------------------------------------------------===//

struct Template::Tree {
  Statements statements;
};

Template::Template(std::string_view source)
    : tree(std::make_unique<Tree>(Tree{Parser(readTokens(source)).parse()})) {}
Template::Template(Template &&) noexcept = default;
Template::~Template() = default;

Text Template::render(const Entries &variables,
                      const Environment &environment) const {
  const MemoryLimit limit(environment.maxBytes);
  return Interpreter(variables, environment).run(tree->statements);
}
