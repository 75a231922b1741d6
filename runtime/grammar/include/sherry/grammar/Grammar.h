//===- Grammar.h - What an answer may be ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grammar is compiled from JSON Schemas and the text around them. It allows
// only documents that are valid, though not each of them: see
// docs/StructuredOutput.md for what it takes and what it leaves out.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_GRAMMAR_H
#define SHERRY_GRAMMAR_GRAMMAR_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sherry::grammar {

class Program;

/// A schema that is malformed, not supported or too large.
class SchemaError : public std::runtime_error {
public:
  SchemaError(std::string keyword, std::string pointer, size_t alternative,
              const std::string &problem);

  /// What is refused; empty if it is the schema as a whole.
  const std::string &keyword() const { return word; }
  /// The JSON pointer of the schema that has it; cut short if it is long.
  const std::string &pointer() const { return place; }
  /// The alternative of the format that has the schema.
  size_t alternative() const { return index; }

private:
  std::string word, place;
  size_t index;
};

/// Text, or a JSON document by a schema.
struct Part {
  enum class Kind { Text, Schema };
  Kind kind;
  std::string text; ///< the text, or the schema in JSON

  static Part literal(std::string text) {
    return {Kind::Text, std::move(text)};
  }
  static Part document(std::string schema) {
    return {Kind::Schema, std::move(schema)};
  }
};
/// Parts, one after the other.
using Sequence = std::vector<Part>;

/// One of several sequences, and this from `min` to `max` times with
/// `separator` between them: calls of tools, for one.
struct Format {
  std::vector<Sequence> alternatives;
  uint32_t min = 1, max = 1;
  std::string separator;
};

/// Immutable; copies share what they hold, also between threads.
class Grammar {
public:
  /// Any JSON object.
  static Grammar anyObject();
  /// A document by a schema: JSON of at most 64 kB, whose properties are
  /// written in the order that they have there. Throws SchemaError.
  explicit Grammar(const std::string &schema);
  /// Throws SchemaError, or std::invalid_argument if `format` allows nothing or
  /// an empty answer.
  explicit Grammar(const Format &format);

  /// Bytes of memory that it takes.
  size_t size() const;

private:
  friend class Matcher;
  std::shared_ptr<const Program> program;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_GRAMMAR_H
