//===- Parser.h - Reads the syntax of templates -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_JINJA_PARSER_H
#define SHERRY_RUNTIME_TEXT_JINJA_PARSER_H

#include "Lexer.h"
#include "Syntax.h"

#include <initializer_list>

namespace sherry::jinja {

/// Parses the tokens of a template. Throws LocatedError for everything that is
/// not supported.
class Parser {
public:
  explicit Parser(std::vector<Token> tokens) : tokens(std::move(tokens)) {}
  Statements parse();

private:
  // Statements.
  Statements parseUntil(std::initializer_list<std::string_view> ends);
  std::unique_ptr<Statement> parseStatement();
  void parseFor(Statement &statement);
  void parseIf(Statement &statement);
  void parseSet(Statement &statement);
  void parseMacro(Statement &statement);
  void parseWith(Statement &statement);
  ExpressionPtr parseBlockFilter();
  std::vector<std::string> parseTargets();
  void endTag();

  // Expressions, the loosest operators first.
  ExpressionPtr parseExpression(); ///< with commas, a tuple
  ExpressionPtr parseConditional(bool allowsIf = true);
  ExpressionPtr parseOr();
  ExpressionPtr parseAnd();
  ExpressionPtr parseNot();
  ExpressionPtr parseCompare();
  ExpressionPtr parseSum();
  ExpressionPtr parseConcatenation();
  ExpressionPtr parseProduct();
  ExpressionPtr parsePower();
  ExpressionPtr parseUnary(bool takesFilters = true);
  ExpressionPtr parsePrimary();
  ExpressionPtr parsePostfix(ExpressionPtr value);
  ExpressionPtr parseFilters(ExpressionPtr value);
  ExpressionPtr parseFilter(ExpressionPtr value);
  ExpressionPtr parseTest(ExpressionPtr value);
  ExpressionPtr parseSubscript(ExpressionPtr value);
  ExpressionPtr parseList(std::string_view end);
  ExpressionPtr parseObject();
  void parseArguments(Expression &call);
  template <typename Next>
  ExpressionPtr parseLeft(std::initializer_list<std::string_view> operators,
                          const Next &next);

  const Token &current() const { return tokens[at]; }
  const Token &next() const {
    return tokens[at + 1 < tokens.size() ? at + 1 : at];
  }
  bool isOperator(std::string_view word) const {
    return current().is(Token::Operator, word);
  }
  bool isName(std::string_view word) const {
    return current().is(Token::Name, word);
  }
  Token take() { return tokens[at + 1 < tokens.size() ? at++ : at]; }
  bool skipOperator(std::string_view word);
  bool skipName(std::string_view word);
  void expectOperator(std::string_view word);
  std::string expectName(const char *what);
  [[noreturn]] void fail(const std::string &what) const;
  [[noreturn]] void failTooDeep() const;
  [[noreturn]] void failHere(const std::string &expected) const;

  /// Makes a node of these operands; throws LocatedError if the tree becomes
  /// too deep.
  ExpressionPtr make(Expression::Kind kind, std::string name = "",
                     ExpressionPtr first = nullptr,
                     ExpressionPtr second = nullptr);
  void add(Expression &node, ExpressionPtr operand);

  std::vector<Token> tokens;
  size_t at = 0;
  unsigned nesting = 0; ///< levels that are being parsed
  unsigned loops = 0, macros = 0;
};

} // namespace sherry::jinja

#endif // SHERRY_RUNTIME_TEXT_JINJA_PARSER_H
