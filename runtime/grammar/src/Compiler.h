//===- Compiler.h - A schema becomes states ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each schema within the schema is compiled once, from a queue, so neither
// nesting nor chains of references need stack.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_COMPILER_H
#define SHERRY_GRAMMAR_COMPILER_H

#include "Json.h"
#include "Schema.h"

#include <deque>
#include <unordered_map>

namespace sherry::grammar {

class Compiler {
public:
  /// Throws SchemaError.
  Compiler(std::string_view text, size_t alternative, JsonStates &states);
  Compiler(const Compiler &) = delete;
  Compiler &operator=(const Compiler &) = delete;

  /// Returns the first state of documents, which return at their end. Throws
  /// SchemaError. The compiler must live until the builder has finished.
  StateId compile();

private:
  StateId stateOf(const Json &schema, const Place *parent, std::string step);
  void compilePlace(const Place &place);
  std::vector<StateId> choices(const Place &place);
  std::vector<StateId> branches(const Place &place, const char *keyword);
  StateId listed(const Json &schema);
  StateId ofType(const Place &place, unsigned type);
  StateId string(const Json &schema);
  StateId array(const Place &place);
  StateId object(const Place &place);
  std::optional<StateId> otherMembers(const Place &place);
  void checkDisjoint(const Place &place);

  Json root;
  size_t alternative;
  JsonStates &states;
  std::deque<Place> places; ///< compiled up to `next`
  size_t next = 0;
  std::unordered_map<const Json *, StateId> known;
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_COMPILER_H
