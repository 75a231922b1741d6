//===- ParseExpression.cpp - Reads expressions of templates ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The precedence is Jinja's, which differs from Python's: ~ binds tighter than
// +, and a filter tighter than a unary minus.
//
//===----------------------------------------------------------------------===//
#include "Parser.h"

#include <algorithm>

using namespace sherry::jinja;

void Parser::fail(const std::string &what) const {
  throw LocatedError(current().line, what);
}

void Parser::failHere(const std::string &expected) const {
  const Token &token = current();
  const std::string found = token.kind == Token::End ? "the end of the template"
                            : token.kind == Token::BlockEnd   ? "%}"
                            : token.kind == Token::PrintEnd   ? "}}"
                            : token.kind == Token::BlockBegin ? "{%"
                            : token.kind == Token::PrintBegin
                                ? "{{"
                                : "'" + token.text.substr(0, 40) + "'";
  fail("expected " + expected + ", not " + found);
}

void Parser::failTooDeep() const {
  fail("more than " + std::to_string(maxNesting) +
       " levels lie within each other");
}

bool Parser::skipOperator(std::string_view word) {
  const bool isThere = isOperator(word);
  if (isThere)
    take();
  return isThere;
}

bool Parser::skipName(std::string_view word) {
  const bool isThere = isName(word);
  if (isThere)
    take();
  return isThere;
}

void Parser::expectOperator(std::string_view word) {
  if (!skipOperator(word))
    failHere("'" + std::string(word) + "'");
}

std::string Parser::expectName(const char *what) {
  if (current().kind != Token::Name)
    failHere(what);
  return take().text;
}

void Parser::add(Expression &node, ExpressionPtr operand) {
  if (operand)
    node.depth = std::max(node.depth, operand->depth + 1);
  if (node.depth > maxNesting)
    failTooDeep();
  node.operands.push_back(std::move(operand));
}

ExpressionPtr Parser::make(Expression::Kind kind, std::string name,
                           ExpressionPtr first, ExpressionPtr second) {
  auto node = std::make_unique<Expression>(Expression{kind, current().line});
  node->name = std::move(name);
  if (first)
    add(*node, std::move(first));
  if (second)
    add(*node, std::move(second));
  return node;
}

ExpressionPtr Parser::parseExpression() {
  ExpressionPtr value = parseConditional();
  if (!isOperator(","))
    return value;
  ExpressionPtr list = make(Expression::Tuple, "", std::move(value));
  while (skipOperator(",")) {
    if (current().kind == Token::BlockEnd || current().kind == Token::PrintEnd)
      break;
    add(*list, parseConditional());
  }
  return list;
}

ExpressionPtr Parser::parseConditional(bool allowsIf) {
  if (++nesting > maxNesting)
    failTooDeep();
  ExpressionPtr value = parseOr();
  while (allowsIf && skipName("if")) {
    ExpressionPtr condition = parseOr();
    ExpressionPtr other;
    if (skipName("else"))
      other = parseConditional();
    value = make(Expression::Conditional, "", std::move(value),
                 std::move(condition));
    add(*value, std::move(other));
  }
  --nesting;
  return value;
}

ExpressionPtr Parser::parseOr() {
  ExpressionPtr value = parseAnd();
  while (skipName("or"))
    value = make(Expression::Binary, "or", std::move(value), parseAnd());
  return value;
}

ExpressionPtr Parser::parseAnd() {
  ExpressionPtr value = parseNot();
  while (skipName("and"))
    value = make(Expression::Binary, "and", std::move(value), parseNot());
  return value;
}

ExpressionPtr Parser::parseNot() {
  unsigned count = 0;
  while (isName("not") && !next().is(Token::Name, "in")) {
    take();
    if (++count > maxNesting)
      failTooDeep();
  }
  ExpressionPtr value = parseCompare();
  for (; count > 0; --count)
    value = make(Expression::Unary, "not", std::move(value));
  return value;
}

ExpressionPtr Parser::parseCompare() {
  ExpressionPtr first = parseSum();
  ExpressionPtr node;
  while (true) {
    std::string name;
    for (std::string_view word : {"==", "!=", "<=", ">=", "<", ">"})
      if (skipOperator(word)) {
        name = word;
        break;
      }
    if (name.empty() && skipName("in"))
      name = "in";
    if (name.empty() && isName("not") && next().is(Token::Name, "in")) {
      take();
      take();
      name = "not in";
    }
    if (name.empty())
      return node ? std::move(node) : std::move(first);
    if (!node)
      node = make(Expression::Compare, "", std::move(first));
    node->names.push_back(name);
    add(*node, parseSum());
  }
}

/// Operators of one precedence, from left to right.
template <typename Next>
ExpressionPtr
Parser::parseLeft(std::initializer_list<std::string_view> operators,
                  const Next &next) {
  ExpressionPtr value = next();
  while (true) {
    const auto found =
        std::find_if(operators.begin(), operators.end(),
                     [&](std::string_view word) { return isOperator(word); });
    if (found == operators.end())
      return value;
    take();
    value =
        make(Expression::Binary, std::string(*found), std::move(value), next());
  }
}

ExpressionPtr Parser::parseSum() {
  return parseLeft({"+", "-"}, [&] { return parseConcatenation(); });
}
ExpressionPtr Parser::parseConcatenation() {
  return parseLeft({"~"}, [&] { return parseProduct(); });
}
ExpressionPtr Parser::parseProduct() {
  return parseLeft({"*", "/", "//", "%"}, [&] { return parsePower(); });
}
ExpressionPtr Parser::parsePower() {
  return parseLeft({"**"}, [&] { return parseUnary(); });
}

ExpressionPtr Parser::parseUnary(bool takesFilters) {
  if (++nesting > maxNesting)
    failTooDeep();
  ExpressionPtr value;
  if (isOperator("-") || isOperator("+")) {
    const std::string sign = take().text;
    value = make(Expression::Unary, sign, parseUnary(/*takesFilters=*/false));
  } else
    value = parsePrimary();
  value = parsePostfix(std::move(value));
  if (takesFilters)
    value = parseFilters(std::move(value));
  --nesting;
  return value;
}
