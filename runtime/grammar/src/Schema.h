//===- Schema.h - The text of a schema --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_SCHEMA_H
#define SHERRY_GRAMMAR_SCHEMA_H

#include "Nfa.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sherry::grammar {

using Json = nlohmann::ordered_json;

/// A refusal because of a keyword.
class KeywordRefusal : public Refusal {
public:
  KeywordRefusal(std::string keyword, const std::string &problem)
      : Refusal(problem), keyword(std::move(keyword)) {}
  std::string keyword;
};

/// A schema within a schema.
struct Place {
  const Json *schema;
  const Place *parent;
  std::string step;   ///< from the parent, as a part of a JSON pointer
  size_t alternative; ///< of the format that has the schema

  /// The JSON pointer of the schema, shortened if it is long.
  std::string pointer() const;
};

/// `text`, UTF-8, for a message: shortened if it is long.
std::string shorten(const std::string &text);

/// Reads a schema, within limits. Throws Refusal.
Json parseSchema(std::string_view text);

/// The schema that a value of $ref refers to. Throws Refusal.
const Json &resolve(const Json &root, const Json &reference);

/// The part "/keyword/name" of a JSON pointer.
std::string pointerStep(std::string_view keyword, std::string_view name);

/// The value of a keyword; null if the schema does not have it. `schema` may be
/// true or false.
const Json *find(const Json &schema, const std::string &keyword);

/// Sets of types.
enum TypeBit : unsigned {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,  ///< whole numbers
  kFraction = 8, ///< other numbers
  kString = 16,
  kArray = 32,
  kObject = 64,
  kAllTypes = 127
};
/// The types that `type` names; nothing if the schema has no `type`. Throws
/// KeywordRefusal.
std::optional<unsigned> namedTypes(const Json &schema);
/// The type of a value.
unsigned typeOf(const Json &value);

/// The values of `const` or `enum`; none if the schema has neither. Throws
/// KeywordRefusal if `enum` is not an array with values.
std::vector<const Json *> listedValues(const Json &schema);

/// Whether types, lists of values, or properties that both require show that no
/// value is valid by both schemas.
bool areDisjoint(const Json &root, const Json &a, const Json &b, Budget &budget,
                 unsigned depth = 0);

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_SCHEMA_H
