//===- Grammars.cpp - Answers of a given form -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Grammars.h"
#include "sherry/engine/Tokens.h"

#include <algorithm>

using namespace sherry;
using namespace sherry::serve;

/// The most bytes of grammars that are kept for later requests.
static constexpr size_t kMostBytes = 32 << 20;

namespace {

class GrammarConstraint : public engine::Constraint {
public:
  GrammarConstraint(const sherry_model *model, const grammar::Grammar &grammar,
                    std::shared_ptr<const grammar::Vocabulary> vocabulary,
                    std::vector<int32_t> ends)
      : model(model), matcher(grammar), vocabulary(std::move(vocabulary)),
        ends(std::move(ends)) {}

  bool accepts(int32_t token) const override {
    if (std::find(ends.begin(), ends.end(), token) != ends.end())
      return matcher.isComplete();
    return !sherry_token_is_special(model, token) &&
           matcher.accepts(engine::bytesOf(model, token));
  }

  const uint32_t *mask() override {
    bits.resize(vocabulary->maskWords());
    allowedTokens(matcher, *vocabulary, bits.data());
    if (matcher.isComplete())
      for (int32_t token : ends)
        bits[static_cast<size_t>(token) / 32] |= 1U << (token % 32);
    return bits.data();
  }

  void advance(int32_t token) override {
    matcher.advance(engine::bytesOf(model, token));
  }
  bool mustEnd() const override { return matcher.mustEnd(); }

private:
  const sherry_model *model;
  grammar::Matcher matcher;
  std::shared_ptr<const grammar::Vocabulary> vocabulary;
  std::vector<int32_t> ends;
  std::vector<uint32_t> bits;
};

/// Allows any text up to the beginning of a call, and then the call.
class CallConstraint : public engine::Constraint {
public:
  CallConstraint(const sherry_model *model, const Tools &tools,
                 std::shared_ptr<const grammar::Vocabulary> vocabulary,
                 std::vector<int32_t> ends)
      : model(model), open(tools.form.open), mayRepeat(tools.mayRepeat),
        call(*tools.call), vocabulary(std::move(vocabulary)),
        ends(std::move(ends)) {}

  bool accepts(int32_t token) const override {
    if (std::find(ends.begin(), ends.end(), token) != ends.end())
      return !place.matcher;
    if (sherry_token_is_special(model, token))
      return !place.matcher;
    Place next = place;
    return goOn(next, engine::bytesOf(model, token));
  }

  const uint32_t *mask() override {
    bits.assign(vocabulary->maskWords(), 0);
    if (place.matcher) {
      allowedTokens(*place.matcher, *vocabulary, bits.data());
      return bits.data();
    }
    // Before a call, only tokens that complete its beginning can be refused.
    const char last = open.empty() ? '{' : open.back();
    const auto count = static_cast<int32_t>(vocabulary->size());
    for (int32_t token = 0; token < count; ++token) {
      const std::string_view bytes = engine::bytesOf(model, token);
      if (bytes.find(last) == std::string_view::npos || accepts(token))
        bits[static_cast<size_t>(token) / 32] |= 1U << (token % 32);
    }
    return bits.data();
  }

  void advance(int32_t token) override {
    if (!sherry_token_is_special(model, token))
      goOn(place, engine::bytesOf(model, token));
  }
  bool mustEnd() const override { return place.isOver; }

private:
  struct Place {
    std::optional<grammar::Matcher> matcher; ///< of a call that has begun
    std::string tail; ///< of the text, as long as a call's beginning
    bool isAtStart = true, isOver = false;
  };

  /// Appends bytes; returns false if they are refused.
  bool goOn(Place &at, std::string_view bytes) const {
    for (char byte : bytes) {
      if (at.isOver)
        return false;
      if (!at.matcher && open.empty() && at.isAtStart && byte == '{')
        at.matcher.emplace(call);
      at.isAtStart = false;
      if (at.matcher) {
        if (!at.matcher->advance({&byte, 1}))
          return false;
        if (at.matcher->mustEnd()) {
          at.matcher.reset();
          at.isOver = open.empty() || !mayRepeat;
        }
        continue;
      }
      at.tail += byte;
      if (at.tail.size() > open.size())
        at.tail.erase(0, at.tail.size() - open.size());
      if (!open.empty() && at.tail == open) {
        at.matcher.emplace(call);
        at.tail.clear();
      }
    }
    return true;
  }

  const sherry_model *model;
  const std::string open;
  const bool mayRepeat;
  const grammar::Grammar call;
  std::shared_ptr<const grammar::Vocabulary> vocabulary;
  std::vector<int32_t> ends;
  Place place;
  std::vector<uint32_t> bits;
};

} // namespace

void Grammars::prepare() {
  if (vocabulary)
    return;
  const auto count = static_cast<int32_t>(sherry_model_vocab_size(model));
  std::vector<std::string_view> tokens;
  for (int32_t token = 0; token < count; ++token) {
    const bool isEnd = sherry_model_is_eos(model, token);
    if (isEnd)
      ends.push_back(token);
    tokens.push_back(isEnd || sherry_token_is_special(model, token)
                         ? std::string_view()
                         : engine::bytesOf(model, token));
  }
  vocabulary = std::make_shared<const grammar::Vocabulary>(tokens);
}

std::vector<int32_t>
Grammars::allEnds(const std::vector<int32_t> &endTokens) const {
  std::vector<int32_t> all = ends;
  all.insert(all.end(), endTokens.begin(), endTokens.end());
  return all;
}

std::shared_ptr<engine::Constraint>
Grammars::constrain(const grammar::Grammar &grammar,
                    const std::vector<int32_t> &endTokens) {
  prepare();
  return std::make_shared<GrammarConstraint>(model, grammar, vocabulary,
                                             allEnds(endTokens));
}

std::shared_ptr<engine::Constraint>
Grammars::constrainCalls(const Tools &tools,
                         const std::vector<int32_t> &endTokens) {
  prepare();
  return std::make_shared<CallConstraint>(model, tools, vocabulary,
                                          allEnds(endTokens));
}

grammar::Grammar Grammars::compile(const std::string &schema) {
  const auto known =
      std::find_if(cache.begin(), cache.end(),
                   [&](const Entry &entry) { return entry.schema == schema; });
  if (known != cache.end()) {
    cache.splice(cache.begin(), cache, known);
    return known->grammar;
  }
  try {
    cache.push_front({schema, grammar::Grammar(schema)});
  } catch (const grammar::SchemaError &error) {
    throw ApiError(error.what(), "response_format", "invalid_json_schema");
  }
  size_t bytes = 0;
  auto entry = cache.begin();
  for (; entry != cache.end() && bytes <= kMostBytes; ++entry)
    bytes += entry->schema.size() + entry->grammar.size();
  grammar::Grammar result = cache.front().grammar;
  cache.erase(entry, cache.end());
  return result;
}

std::optional<grammar::Grammar> Grammars::find(const Json *responseFormat) {
  constexpr const char *name = "response_format";
  if (!responseFormat)
    return std::nullopt;
  if (!responseFormat->is_object())
    throw ApiError("must be an object", name);
  const std::string type = Fields(*responseFormat).text("type").value_or("");
  if (type == "text")
    return std::nullopt;
  if (!sherry_model_has_tokenizer(model))
    throw ApiError("the model has no tokenizer, and so no texts", name);
  if (type == "json_object")
    return grammar::Grammar::anyObject();
  if (type != "json_schema")
    throw ApiError("its type must be text, json_object or json_schema", name);
  const Json *format = Fields(*responseFormat).find("json_schema");
  const Json *schema =
      format && format->is_object() ? Fields(*format).find("schema") : nullptr;
  if (!schema)
    throw ApiError("must have json_schema.schema", name);
  return compile(dump(*schema));
}
