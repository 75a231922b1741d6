//===- Syntax.h - The syntax tree of a template -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_JINJA_SYNTAX_H
#define SHERRY_RUNTIME_TEXT_JINJA_SYNTAX_H

#include "sherry/text/jinja/Value.h"

#include <memory>
#include <string>
#include <vector>

namespace sherry::jinja {

/// The most levels of nested expressions and statements.
constexpr unsigned maxNesting = 200;

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;
struct Statement;
using Statements = std::vector<std::unique_ptr<Statement>>;

struct Expression {
  enum Kind {
    Constant,  ///< value
    Variable,  ///< name
    List,      ///< operands
    Tuple,     ///< operands
    Object,    ///< operands: key, value, key, value ...
    Attribute, ///< operands[0].name
    Item,      ///< operands[0][operands[1]]
    Slice,     ///< operands[0][operands[1]:operands[2]:operands[3]], null: none
    Call,      ///< operands[0](the others, keywords, *spread, **spreadKeywords)
    Filter,    ///< operands[0] | name(the others, keywords)
    Test,      ///< operands[0] is name(the others)
    Unary,     ///< name: "-", "+" or "not"
    Binary,    ///< name: "+", "~", "and" ...
    Compare,   ///< operands[0] names[0] operands[1] names[1] ...
    Conditional, ///< operands[0] if operands[1] else operands[2], null: none
  };
  Kind kind;
  size_t line;
  unsigned depth = 1; ///< levels of the tree, this one included
  std::string name = {};
  Value value = {};
  std::vector<ExpressionPtr> operands = {};
  std::vector<std::string> names = {};
  /// Named arguments.
  std::vector<std::pair<std::string, ExpressionPtr>> keywords = {};
  /// The arguments *list and **object; null: none.
  ExpressionPtr spread = {}, spreadKeywords = {};
};

struct Statement {
  enum Kind {
    Data,        ///< text
    Print,       ///< expression
    For,         ///< names in expression if filter: body, else other
    If,          ///< branches, else other
    Set,         ///< names = expression; or space.names[0] = expression
    SetBlock,    ///< names[0] = output of body, through filters
    FilterBlock, ///< output of body, through filters
    With,        ///< keywords, for body
    Macro,       ///< name(keywords; null: no default): body
    Break,
    Continue
  };
  Kind kind;
  size_t line;
  Text text = {};
  std::string name = {};
  std::string space = {};
  std::vector<std::string> names = {};
  ExpressionPtr expression = {};
  /// Of For, a condition; of blocks, a filter whose innermost operand is null
  /// and stands for the text.
  ExpressionPtr filter = {};
  std::vector<std::pair<std::string, ExpressionPtr>> keywords = {};
  struct Branch {
    ExpressionPtr condition;
    Statements body;
  };
  std::vector<Branch> branches = {};
  Statements body = {};
  Statements other = {};
};

} // namespace sherry::jinja

#endif // SHERRY_RUNTIME_TEXT_JINJA_SYNTAX_H
