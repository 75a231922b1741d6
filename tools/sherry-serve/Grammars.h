//===- Grammars.h - Answers of a given form ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_GRAMMARS_H
#define SHERRY_TOOLS_SERVE_GRAMMARS_H

#include "Json.h"
#include "Tools.h"
#include "sherry/engine/Request.h"
#include "sherry/grammar/Vocabulary.h"

#include <list>

namespace sherry::serve {

/// The grammars that requests ask for, and the tokens of the model. For the
/// worker's thread only; constraints are for any thread.
class Grammars {
public:
  explicit Grammars(const sherry_model *model) : model(model) {}

  /// The grammar of a "response_format"; nothing for text. Throws ApiError.
  std::optional<grammar::Grammar> find(const Json *responseFormat);

  /// Restricts an answer to the grammar, and its end to one of `endTokens` or
  /// of the model's end tokens.
  std::shared_ptr<engine::Constraint>
  constrain(const grammar::Grammar &grammar,
            const std::vector<int32_t> &endTokens);

  /// Allows any text in an answer; but calls of tools in it, once begun, must
  /// match the tools.
  std::shared_ptr<engine::Constraint>
  constrainCalls(const Tools &tools, const std::vector<int32_t> &endTokens);

private:
  void prepare();
  std::vector<int32_t> allEnds(const std::vector<int32_t> &endTokens) const;
  grammar::Grammar compile(const std::string &schema);

  const sherry_model *model;
  std::shared_ptr<const grammar::Vocabulary>
      vocabulary;            ///< null until it is needed
  std::vector<int32_t> ends; ///< of the model
  struct Entry {
    std::string schema;
    grammar::Grammar grammar;
  };
  std::list<Entry> cache; ///< the last used one in front
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_GRAMMARS_H
