//===- Grammar.cpp - The language of an answer ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/grammar/Grammar.h"

#include "Compiler.h"

#include <list>

using namespace sherry::grammar;

namespace {

std::string describe(const std::string &keyword, const std::string &pointer,
                     const std::string &problem) {
  std::string result = "JSON schema at '#" + pointer + "': ";
  if (!keyword.empty())
    result += "'" + keyword + "': ";
  return result + problem;
}

/// The keyword of a schema that makes forks.
std::string forkingKeyword(const Json &schema) {
  for (const char *keyword : {"$ref", "allOf", "anyOf", "oneOf", "properties"})
    if (find(schema, keyword))
      return keyword;
  return "type";
}

class FormatCompiler {
public:
  std::shared_ptr<const Program> compile(const Format &format) {
    if (format.alternatives.empty() || format.min == 0 ||
        format.min > format.max)
      throw std::invalid_argument("a format must allow one sequence or more");
    const StateId start = builder.reserve(), again = builder.reserve();
    for (size_t i = 0; i < format.alternatives.size(); ++i)
      addAlternative(format.alternatives[i], i);
    try {
      // The first sequence has no separator before it.
      const StateId after =
          format.max == 1
              ? kReturn
              : builder.loop(again, format.min - 1, format.max - 1, kReturn);
      const StateId one = builder.reserve();
      builder.define(one, std::move(sequences));
      builder.define(again, {literal(format.separator, one)});
      builder.define(start, {builder.call(one, after)});
      return builder.finish(start, states.character());
    } catch (const ForkRefusal &refusal) {
      if (!refusal.place)
        throw SchemaError("", "", 0, refusal.what());
      throw SchemaError(forkingKeyword(*refusal.place->schema),
                        refusal.place->pointer(), refusal.place->alternative,
                        refusal.what());
    } catch (const Refusal &refusal) {
      throw SchemaError("", "", 0, refusal.what());
    }
  }

private:
  void addAlternative(const Sequence &sequence, size_t index) {
    try {
      StateId state = kReturn;
      for (size_t i = sequence.size(); i-- > 0;) {
        const Part &part = sequence[i];
        if (part.kind == Part::Kind::Text) {
          state = literal(part.text, state);
        } else {
          compilers.emplace_back(part.text, index, states);
          state = builder.call(compilers.back().compile(), state);
          builder.setPlace(nullptr);
        }
      }
      if (state == kReturn)
        throw std::invalid_argument("a sequence of a format is empty");
      sequences.push_back(state);
    } catch (const Refusal &refusal) {
      throw SchemaError("", "", index, refusal.what());
    }
  }

  StateId literal(const std::string &text, StateId next) {
    return text.empty() ? next : builder.literal(text, next);
  }

  Builder builder;
  Budget budget;
  JsonStates states{builder, budget};
  std::list<Compiler> compilers; ///< own the places of forks
  std::vector<StateId> sequences;
};

} // namespace

SchemaError::SchemaError(std::string keyword, std::string pointer,
                         size_t alternative, const std::string &problem)
    : std::runtime_error(describe(keyword, pointer, problem)),
      word(std::move(keyword)), place(std::move(pointer)), index(alternative) {}

Grammar Grammar::anyObject() { return Grammar(R"({"type": "object"})"); }

Grammar::Grammar(const std::string &schema)
    : Grammar(Format{{{Part::document(schema)}}, 1, 1, ""}) {}

Grammar::Grammar(const Format &format)
    : program(FormatCompiler().compile(format)) {}

size_t Grammar::size() const { return program->size(); }
