//===- Evaluate.cpp - Evaluates the expressions of templates --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include <algorithm>

using namespace sherry::jinja;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

const Value *Arguments::get(size_t place, std::string_view name) {
  used = std::max(used, place + 1);
  if (!name.empty())
    usedNames.push_back(name);
  if (place < positional.size())
    return &positional[place];
  for (const auto &[known, value] : keywords)
    if (known == name)
      return &value;
  return nullptr;
}

const Value &Arguments::require(size_t place, std::string_view name) {
  if (const Value *value = get(place, name))
    return *value;
  throw Error(callee + " needs an argument " + std::string(name));
}

int64_t Arguments::getInteger(size_t place, std::string_view name,
                              int64_t fallback) {
  const Value *value = get(place, name);
  if (!value || value->isNone())
    return fallback;
  if (auto number = value->integer())
    return *number;
  throw Error(callee + ": the argument " + std::string(name) + " is " +
              value->kind() + ", not a whole number");
}

bool Arguments::getBoolean(size_t place, std::string_view name, bool fallback) {
  const Value *value = get(place, name);
  return value ? value->isTrue() : fallback;
}

const Text *Arguments::getText(size_t place, std::string_view name) {
  const Value *value = get(place, name);
  if (!value || value->isNone())
    return nullptr;
  if (value->isText())
    return &value->text();
  throw Error(callee + ": the argument " + std::string(name) + " is " +
              value->kind() + ", not a text");
}

const Text &Arguments::requireText(size_t place, std::string_view name) {
  require(place, name);
  if (const Text *text = getText(place, name))
    return *text;
  throw Error(callee + " needs an argument " + std::string(name));
}

size_t Arguments::weight() const {
  size_t weight = 0;
  for (const Value &value : positional)
    weight += value.weight();
  for (const auto &[name, value] : keywords)
    weight += value.weight();
  return weight;
}

void Arguments::finish() const {
  if (positional.size() > used)
    throw Error(callee + " takes no more than " + std::to_string(used) +
                " arguments here");
  for (const auto &[name, value] : keywords)
    if (std::find(usedNames.begin(), usedNames.end(), name) == usedNames.end())
      throw Error(callee + ": the argument " + name + " is not supported");
}

/// The argument **value.
static void spreadKeywords(const Value &value, Arguments &arguments) {
  if (!value.isObject())
    throw Error(std::string(value.kind()) + " has no names of arguments");
  for (const auto &[name, member] : value.entries()) {
    if (!name.isText())
      throw Error("the name of an argument is " + std::string(name.kind()));
    arguments.addKeyword(name.text().bytes(), member);
  }
}

Arguments Interpreter::evaluateArguments(const Expression &expression,
                                         std::string callee, Scope &scope) {
  Arguments arguments(std::move(callee));
  for (size_t i = 1; i < expression.operands.size(); ++i)
    arguments.positional.push_back(evaluate(*expression.operands[i], scope));
  for (const auto &[name, value] : expression.keywords)
    arguments.addKeyword(name, evaluate(*value, scope));
  if (expression.spread)
    for (Value &value :
         listElements(*this, evaluate(*expression.spread, scope)))
      arguments.positional.push_back(std::move(value));
  if (expression.spreadKeywords)
    spreadKeywords(evaluate(*expression.spreadKeywords, scope), arguments);
  charge(arguments.weight());
  // Names are compared with each other.
  chargeSearch(arguments.keywords.size(), arguments.keywords.size());
  return arguments;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Value Interpreter::lookUp(const std::string &name, Scope &scope) {
  size_t others = 0;
  for (Scope *inner = &scope; inner; inner = inner->parent) {
    others += 1 + inner->variables.size();
    for (const auto &[known, value] : inner->variables)
      if (known == name) {
        chargeSearch(others);
        return value;
      }
  }
  chargeSearch(others);
  return Value(Undefined{name});
}

Value Interpreter::evaluateKind(const Expression &expression, Scope &scope) {
  const auto &operands = expression.operands;
  switch (expression.kind) {
  case Expression::Constant:
    return expression.value;
  case Expression::Variable:
    return lookUp(expression.name, scope);
  case Expression::List:
  case Expression::Tuple:
  case Expression::Object:
    return evaluateContainer(expression, scope);
  case Expression::Attribute: {
    const Value object = evaluate(*operands[0], scope);
    if (auto method = findBoundMethod(object, expression.name))
      return *method;
    return getMember(*this, object, Text(expression.name));
  }
  case Expression::Item: {
    const Value object = evaluate(*operands[0], scope);
    const Value key = evaluate(*operands[1], scope);
    return getMember(*this, object, key);
  }
  case Expression::Slice:
    return evaluateSlice(expression, scope);
  case Expression::Call:
    return evaluateCall(expression, scope);
  case Expression::Filter:
    return evaluateFilter(expression, evaluate(*operands[0], scope), scope);
  case Expression::Test:
    return evaluateTest(expression, scope);
  case Expression::Unary:
    return applyUnary(expression.name, evaluate(*operands[0], scope));
  case Expression::Binary:
    return evaluateBinary(expression, scope);
  case Expression::Compare:
    return evaluateCompare(expression, scope);
  case Expression::Conditional:
    return evaluateConditional(expression, scope);
  }
  return Value();
}

Value Interpreter::evaluateContainer(const Expression &expression,
                                     Scope &scope) {
  Values values;
  for (const ExpressionPtr &operand : expression.operands)
    values.push_back(evaluate(*operand, scope));
  charge(values.size());
  if (expression.kind != Expression::Object)
    return Value::list(std::move(values), expression.kind == Expression::Tuple
                                              ? ListKind::Tuple
                                              : ListKind::List);
  Entries entries;
  for (size_t i = 0; i < values.size(); i += 2) {
    chargeSearch(entries.size(), values[i].weight());
    const auto known =
        std::find_if(entries.begin(), entries.end(), [&](const auto &entry) {
          return entry.first == values[i];
        });
    if (known == entries.end())
      entries.emplace_back(values[i], values[i + 1]);
    else
      known->second = values[i + 1];
  }
  return Value::object(std::move(entries));
}

Value Interpreter::evaluateSlice(const Expression &expression, Scope &scope) {
  const Value value = evaluate(*expression.operands[0], scope);
  Value bounds[3];
  for (size_t i = 0; i < 3; ++i)
    bounds[i] = expression.operands[i + 1]
                    ? evaluate(*expression.operands[i + 1], scope)
                    : Value(None());
  charge(value.weight());
  Value result = applySlice(value, bounds[0], bounds[1], bounds[2]);
  charge(result.weight());
  return result;
}

Value Interpreter::evaluateCall(const Expression &expression, Scope &scope) {
  const Expression &callee = *expression.operands[0];
  Value function;
  if (callee.kind == Expression::Attribute) {
    const Value object = evaluate(*callee.operands[0], scope);
    if (Method method = findMethod(object, callee.name)) {
      Arguments arguments = evaluateArguments(expression, callee.name, scope);
      charge(object.weight());
      Value result = method(*this, object, arguments);
      arguments.finish();
      charge(result.weight());
      return result;
    }
    function = getMember(*this, object, Text(callee.name));
    if (!function.callable())
      throw Error(std::string(object.kind()) + " has no method '" +
                  callee.name + "' that is supported");
  } else
    function = evaluate(callee, scope);
  const Callable *callable = function.callable();
  if (!callable)
    throw Error(function.isUndefined()
                    ? "the function '" + function.undefinedName() +
                          "' is undefined or not supported"
                    : std::string(function.kind()) + " cannot be called");
  Arguments arguments = evaluateArguments(expression, callable->name, scope);
  if (callable->macro)
    return callMacro(*callable, arguments);
  if (!callable->function)
    throw Error("the method '" + callable->name +
                "' can be called where it is named only");
  Value result = callable->function(*this, arguments);
  arguments.finish();
  return result;
}

Value Interpreter::evaluateFilter(const Expression &expression,
                                  const Value &input, Scope &scope) {
  Arguments arguments = evaluateArguments(expression, expression.name, scope);
  return applyFilter(expression.name, input, arguments);
}

Value Interpreter::filterBlock(const Expression &filter, const Value &text,
                               Scope &scope) {
  const Expression *inner = filter.operands[0].get();
  return evaluateFilter(filter, inner ? filterBlock(*inner, text, scope) : text,
                        scope);
}

Value Interpreter::applyFilter(const std::string &name, const Value &input,
                               Arguments &arguments) {
  Filter filter = findTextFilter(name);
  if (!filter)
    filter = findListFilter(name);
  if (!filter)
    throw Error("the filter '" + name + "' is not supported");
  // Counts are often used in every pass of a loop, so they are not charged.
  charge(input.isText() || (name != "length" && name != "count")
             ? input.weight()
             : 1);
  charge(arguments.weight());
  Value result = filter(*this, input, arguments);
  arguments.finish();
  charge(result.weight());
  return result;
}

Value Interpreter::evaluateTest(const Expression &expression, Scope &scope) {
  const Value input = evaluate(*expression.operands[0], scope);
  Arguments arguments = evaluateArguments(expression, expression.name, scope);
  return Value(applyTest(expression.name, input, arguments));
}

Value Interpreter::evaluateBinary(const Expression &expression, Scope &scope) {
  Value left = evaluate(*expression.operands[0], scope);
  const std::string &name = expression.name;
  if ((name == "and" && !left.isTrue()) || (name == "or" && left.isTrue()))
    return left;
  Value right = evaluate(*expression.operands[1], scope);
  if (name == "and" || name == "or")
    return right;
  charge(left.weight() + right.weight());
  for (const Value *value : {&left, &right})
    if (name == "~" && !value->isText())
      charge(kQuoteCost * value->weight());
  Value result = applyBinary(name, left, right);
  charge(result.weight());
  return result;
}

Value Interpreter::evaluateCompare(const Expression &expression, Scope &scope) {
  Value left = evaluate(*expression.operands[0], scope);
  for (size_t i = 0; i < expression.names.size(); ++i) {
    Value right = evaluate(*expression.operands[i + 1], scope);
    charge(left.weight() + right.weight());
    if (!applyCompare(expression.names[i], left, right))
      return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::evaluateConditional(const Expression &expression,
                                       Scope &scope) {
  if (evaluate(*expression.operands[1], scope).isTrue())
    return evaluate(*expression.operands[0], scope);
  if (expression.operands[2])
    return evaluate(*expression.operands[2], scope);
  return Value(Undefined{"the value of an if without else"});
}
