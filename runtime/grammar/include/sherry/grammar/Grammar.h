//===- Grammar.h - The language of an answer --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grammar is compiled from JSON Schemas and the text around them. It allows
// only valid documents, though not all of them: docs/StructuredOutput.md lists
// the supported keywords and the documents that a grammar leaves out.
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

  /// The keyword that is refused; empty for the schema as a whole.
  const std::string &keyword() const { return word; }
  /// The JSON pointer of the schema with the keyword, shortened if it is long.
  const std::string &pointer() const { return place; }
  /// The index of the alternative of the format that has the schema.
  size_t alternative() const { return index; }

private:
  std::string word, place;
  size_t index;
};

/// A part of an answer: a given text, or a JSON document that a schema
/// describes.
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
/// Parts that follow each other.
using Sequence = std::vector<Part>;

/// From `min` to `max` repetitions, with `separator` between them, of one of
/// the alternatives: for example calls of tools.
struct Format {
  std::vector<Sequence> alternatives;
  uint32_t min = 1, max = 1;
  std::string separator;
};

/// Immutable; copies share their data, also between threads.
class Grammar {
public:
  /// Any JSON object.
  static Grammar anyObject();
  /// A document that `schema` describes: JSON of at most 64 kB. Documents have
  /// their properties in the order of the schema. Throws SchemaError.
  explicit Grammar(const std::string &schema);
  /// An answer in a format. Throws SchemaError, or std::invalid_argument if
  /// `format` allows no answer or an empty one.
  explicit Grammar(const Format &format);

  /// The size of the grammar in memory, in bytes.
  size_t size() const;

private:
  friend class Matcher;
  std::shared_ptr<const Program> program;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_GRAMMAR_H
