//===- ParseStatement.cpp - Reads statements of templates -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Parser.h"

#include <algorithm>

using namespace sherry::jinja;

Statements Parser::parse() {
  Statements result = parseUntil({});
  if (current().kind != Token::End)
    failHere("the end of the template");
  return result;
}

void Parser::endTag() {
  if (current().kind != Token::BlockEnd)
    failHere("%}");
  take();
}

/// Parses statements up to a tag that begins with one of `ends`, whose name is
/// then the current token; if `ends` is empty, up to the end of the template.
Statements Parser::parseUntil(std::initializer_list<std::string_view> ends) {
  const size_t begin = current().line;
  if (++nesting > maxNesting)
    failTooDeep();
  Statements result;
  while (true) {
    const Token &token = current();
    if (token.kind == Token::End) {
      if (ends.size() != 0)
        throw LocatedError(begin, "a tag of this line has no {% " +
                                      std::string(*(ends.end() - 1)) + " %}");
      break;
    }
    if (token.kind == Token::BlockBegin &&
        std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
          return next().is(Token::Name, end);
        })) {
      take();
      break;
    }
    auto statement = parseStatement();
    if (statement)
      result.push_back(std::move(statement));
  }
  --nesting;
  return result;
}

/// Parses a tag; null if the tag does nothing.
std::unique_ptr<Statement> Parser::parseStatement() {
  const Token token = take();
  auto statement =
      std::make_unique<Statement>(Statement{Statement::Data, token.line});
  if (token.kind == Token::Data) {
    statement->text = Text(token.text);
    return statement;
  }
  if (token.kind == Token::PrintBegin) {
    statement->kind = Statement::Print;
    statement->expression = parseExpression();
    if (current().kind != Token::PrintEnd)
      failHere("}}");
    take();
    return statement;
  }
  const std::string name = expectName("the name of a tag");
  if (name == "for")
    parseFor(*statement);
  else if (name == "if")
    parseIf(*statement);
  else if (name == "set")
    parseSet(*statement);
  else if (name == "macro")
    parseMacro(*statement);
  else if (name == "with")
    parseWith(*statement);
  else if (name == "filter") {
    statement->kind = Statement::FilterBlock;
    statement->filter = parseBlockFilter();
    endTag();
    statement->body = parseUntil({"endfilter"});
    take();
  } else if (name == "break" || name == "continue") {
    statement->kind = name == "break" ? Statement::Break : Statement::Continue;
    if (loops == 0)
      fail("{% " + name + " %} is in no loop");
  } else if (name == "generation" || name == "endgeneration") {
    // {% generation %} is a mark for training.
    endTag();
    return nullptr;
  } else
    throw LocatedError(token.line,
                       "the tag {% " + name.substr(0, 40) +
                           " %} is not supported or does not belong here");
  endTag();
  return statement;
}

std::vector<std::string> Parser::parseTargets() {
  std::vector<std::string> names;
  const bool hasParentheses = skipOperator("(");
  do {
    names.push_back(expectName("the name of a variable"));
  } while (skipOperator(","));
  if (hasParentheses)
    expectOperator(")");
  for (const std::string &name : names)
    if (name == "loop" || name == "true" || name == "false" || name == "none")
      fail("'" + name + "' cannot be set");
  return names;
}

void Parser::parseFor(Statement &statement) {
  statement.kind = Statement::For;
  statement.names = parseTargets();
  if (!skipName("in"))
    failHere("'in'");
  ExpressionPtr list = parseConditional(/*allowsIf=*/false);
  if (isOperator(",")) {
    list = make(Expression::Tuple, "", std::move(list));
    while (skipOperator(","))
      add(*list, parseConditional(/*allowsIf=*/false));
  }
  statement.expression = std::move(list);
  if (skipName("if"))
    statement.filter = parseConditional();
  if (isName("recursive"))
    fail("a recursive loop is not supported");
  endTag();
  ++loops;
  statement.body = parseUntil({"else", "endfor"});
  --loops;
  if (take().text == "else") {
    endTag();
    statement.other = parseUntil({"endfor"});
    take();
  }
}

void Parser::parseIf(Statement &statement) {
  statement.kind = Statement::If;
  while (true) {
    ExpressionPtr condition = parseConditional();
    endTag();
    Statements body = parseUntil({"elif", "else", "endif"});
    statement.branches.push_back({std::move(condition), std::move(body)});
    const std::string end = take().text;
    if (end == "endif")
      return;
    if (end == "else")
      break;
  }
  endTag();
  statement.other = parseUntil({"endif"});
  take();
}

ExpressionPtr Parser::parseBlockFilter() {
  ExpressionPtr filter = parseFilter(nullptr);
  while (skipOperator("|"))
    filter = parseFilter(std::move(filter));
  return filter;
}

void Parser::parseSet(Statement &statement) {
  statement.kind = Statement::Set;
  if (current().kind == Token::Name && next().is(Token::Operator, ".")) {
    statement.space = take().text;
    take();
    statement.names = {expectName("a name after '.'")};
  } else
    statement.names = parseTargets();
  if (skipOperator("=")) {
    statement.expression = parseExpression();
    return;
  }
  if (statement.names.size() != 1 || !statement.space.empty())
    failHere("'='");
  statement.kind = Statement::SetBlock;
  if (skipOperator("|"))
    statement.filter = parseBlockFilter();
  endTag();
  statement.body = parseUntil({"endset"});
  take();
}

void Parser::parseMacro(Statement &statement) {
  statement.kind = Statement::Macro;
  // A macro sees the variables of the template, not those of a pass of a loop.
  if (loops != 0 || macros != 0)
    fail("a macro within a loop or another macro is not supported");
  statement.name = expectName("the name of a macro");
  expectOperator("(");
  while (!isOperator(")")) {
    std::string name = expectName("the name of an argument");
    ExpressionPtr value;
    if (skipOperator("="))
      value = parseConditional();
    else if (!statement.keywords.empty() && statement.keywords.back().second)
      fail("an argument without a default follows one with a default");
    statement.keywords.emplace_back(std::move(name), std::move(value));
    if (!skipOperator(","))
      break;
  }
  expectOperator(")");
  endTag();
  ++macros;
  statement.body = parseUntil({"endmacro"});
  --macros;
  take();
}

void Parser::parseWith(Statement &statement) {
  statement.kind = Statement::With;
  while (current().kind == Token::Name) {
    std::string name = take().text;
    expectOperator("=");
    statement.keywords.emplace_back(std::move(name), parseConditional());
    if (!skipOperator(","))
      break;
  }
  endTag();
  statement.body = parseUntil({"endwith"});
  take();
}
