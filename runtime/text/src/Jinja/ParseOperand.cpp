//===- ParseOperand.cpp - Reads operands of expressions -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values, and the members, calls, filters and tests that follow them.
//
//===----------------------------------------------------------------------===//
#include "Parser.h"

#include <algorithm>

using namespace sherry::jinja;

ExpressionPtr Parser::parsePrimary() {
  const Token &token = current();
  ExpressionPtr node = make(Expression::Constant);
  switch (token.kind) {
  case Token::Name: {
    const std::string name = take().text;
    if (name == "true" || name == "True")
      node->value = Value(true);
    else if (name == "false" || name == "False")
      node->value = Value(false);
    else if (name == "none" || name == "None")
      node->value = Value(None());
    else {
      node->kind = Expression::Variable;
      node->name = name;
    }
    return node;
  }
  case Token::String: {
    // Adjacent strings are one.
    Text text;
    while (current().kind == Token::String)
      text.append(take().text, Origin::Template);
    node->value = Value(std::move(text));
    return node;
  }
  case Token::Integer:
    node->value = Value(take().integer);
    return node;
  case Token::Float:
    node->value = Value(take().number);
    return node;
  default:
    break;
  }
  if (skipOperator("(")) {
    if (skipOperator(")"))
      return make(Expression::Tuple);
    ExpressionPtr value = parseConditional();
    if (isOperator(",")) {
      value = make(Expression::Tuple, "", std::move(value));
      while (skipOperator(",") && !isOperator(")"))
        add(*value, parseConditional());
    }
    expectOperator(")");
    return value;
  }
  if (skipOperator("["))
    return parseList("]");
  if (skipOperator("{"))
    return parseObject();
  failHere("a value");
}

/// The list between brackets, the first of which has been read.
ExpressionPtr Parser::parseList(std::string_view end) {
  ExpressionPtr list = make(Expression::List);
  while (!isOperator(end)) {
    add(*list, parseConditional());
    if (!skipOperator(","))
      break;
  }
  expectOperator(end);
  return list;
}

ExpressionPtr Parser::parseObject() {
  ExpressionPtr object = make(Expression::Object);
  while (!isOperator("}")) {
    add(*object, parseConditional());
    expectOperator(":");
    add(*object, parseConditional());
    if (!skipOperator(","))
      break;
  }
  expectOperator("}");
  return object;
}

ExpressionPtr Parser::parsePostfix(ExpressionPtr value) {
  while (true) {
    if (skipOperator(".")) {
      if (current().kind == Token::Integer) { // x.0
        ExpressionPtr index = parsePrimary();
        value = make(Expression::Item, "", std::move(value), std::move(index));
      } else
        value = make(Expression::Attribute, expectName("a name after '.'"),
                     std::move(value));
    } else if (skipOperator("["))
      value = parseSubscript(std::move(value));
    else if (isOperator("(")) {
      value = make(Expression::Call, "", std::move(value));
      parseArguments(*value);
    } else
      return value;
  }
}

/// Parses an index or a slice, after the bracket.
ExpressionPtr Parser::parseSubscript(ExpressionPtr value) {
  ExpressionPtr parts[3];
  size_t count = 0;
  bool isSlice = false;
  while (!isOperator("]")) {
    if (isOperator(":")) {
      take();
      isSlice = true;
      if (++count == 3)
        failHere("']'");
    } else {
      if (parts[count])
        failHere("']'");
      parts[count] = parseConditional();
      if (isOperator(","))
        fail("an index of several values is not supported");
    }
  }
  expectOperator("]");
  if (!isSlice) {
    if (!parts[0])
      fail("an index is missing");
    return make(Expression::Item, "", std::move(value), std::move(parts[0]));
  }
  ExpressionPtr node = make(Expression::Slice, "", std::move(value));
  for (ExpressionPtr &part : parts)
    add(*node, std::move(part));
  return node;
}

/// Parses arguments in parentheses, if there are any.
void Parser::parseArguments(Expression &call) {
  if (!skipOperator("("))
    return;
  while (!isOperator(")")) {
    auto parseDeeper = [&] {
      ExpressionPtr value = parseConditional();
      call.depth = std::max(call.depth, value->depth + 1);
      return value;
    };
    if (call.spreadKeywords)
      fail("an argument follows one with **");
    if (!call.spread && skipOperator("*"))
      call.spread = parseDeeper();
    else if (skipOperator("**"))
      call.spreadKeywords = parseDeeper();
    else if (current().kind == Token::Name && next().is(Token::Operator, "=")) {
      std::string name = take().text;
      take();
      call.keywords.emplace_back(std::move(name), parseDeeper());
    } else if (!call.keywords.empty() || call.spread)
      fail("an argument without a name follows one with a name or *");
    else
      add(call, parseConditional());
    if (!skipOperator(","))
      break;
  }
  expectOperator(")");
  if (call.depth > maxNesting)
    failTooDeep();
}

ExpressionPtr Parser::parseFilters(ExpressionPtr value) {
  while (true) {
    if (skipOperator("|"))
      value = parseFilter(std::move(value));
    else if (skipName("is"))
      value = parseTest(std::move(value));
    else if (isOperator("(")) {
      value = make(Expression::Call, "", std::move(value));
      parseArguments(*value);
    } else
      return value;
  }
}

/// Parses a filter, after the bar. `value` is null at the beginning of a block.
ExpressionPtr Parser::parseFilter(ExpressionPtr value) {
  ExpressionPtr node = make(Expression::Filter, expectName("a filter"));
  add(*node, std::move(value));
  parseArguments(*node);
  return node;
}

/// Parses a test, after "is".
ExpressionPtr Parser::parseTest(ExpressionPtr value) {
  const bool isNegated = skipName("not");
  std::string name;
  if (isOperator("==") || isOperator("!=") || isOperator("<") ||
      isOperator(">") || isOperator("<=") || isOperator(">="))
    failHere("a test");
  name = expectName("a test");
  ExpressionPtr node = make(Expression::Test, name, std::move(value));
  if (isOperator("("))
    parseArguments(*node);
  else {
    const Token &token = current();
    const bool isWord =
        token.kind == Token::Name &&
        !(token.text == "else" || token.text == "or" || token.text == "and" ||
          token.text == "if" || token.text == "is" || token.text == "not" ||
          token.text == "in" || token.text == "recursive");
    if (isWord || token.kind == Token::String || token.kind == Token::Integer ||
        token.kind == Token::Float || isOperator("[") || isOperator("{"))
      add(*node, parsePostfix(parsePrimary()));
  }
  return isNegated ? make(Expression::Unary, "not", std::move(node))
                   : std::move(node);
}
