//===- Compiler.cpp - A schema becomes states -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compiler.h"

#include "Formats.h"
#include "Keywords.h"
#include "sherry/grammar/Grammar.h"

#include <unordered_set>

using namespace sherry::grammar;

Compiler::Compiler(std::string_view text, size_t alternative,
                   JsonStates &states)
    : alternative(alternative), states(states) {
  try {
    root = parseSchema(text);
  } catch (const Refusal &refusal) {
    throw SchemaError("", "", alternative, refusal.what());
  }
}

StateId Compiler::compile() {
  const StateId start = stateOf(root, nullptr, "");
  for (; next < places.size(); ++next) {
    const Place &place = places[next];
    try {
      states.builder.setPlace(&place);
      compilePlace(place);
    } catch (const KeywordRefusal &refusal) {
      throw SchemaError(refusal.keyword, place.pointer(), alternative,
                        refusal.what());
    } catch (const Refusal &refusal) {
      throw SchemaError("", place.pointer(), alternative, refusal.what());
    }
  }
  return start;
}

StateId Compiler::stateOf(const Json &schema, const Place *parent,
                          std::string step) {
  const auto [entry, isNew] = known.emplace(&schema, 0);
  if (isNew) {
    places.push_back({&schema, parent, std::move(step), alternative});
    states.builder.setPlace(&places.back());
    entry->second = states.builder.reserve();
    states.builder.setPlace(&places[next]);
  }
  return entry->second;
}

void Compiler::compilePlace(const Place &place) {
  const Json &schema = *place.schema;
  std::vector<StateId> result;
  if (schema == true)
    result = {states.value()};
  else if (schema == false)
    throw Refusal("false allows nothing");
  else if (!schema.is_object())
    throw Refusal("must be an object, true or false");
  else
    result = choices(place);
  states.builder.define(known.at(&schema), std::move(result));
}

std::vector<StateId> Compiler::choices(const Place &place) {
  const Json &schema = *place.schema;
  checkKeywords(schema, &schema == &root);
  if (const Json *reference = find(schema, "$ref")) {
    checkAlone(schema, "$ref");
    const Json &target = resolve(root, *reference);
    return {stateOf(target, nullptr, reference->get<std::string>().substr(1))};
  }
  for (const char *keyword : {"allOf", "anyOf", "oneOf"})
    if (find(schema, keyword)) {
      checkAlone(schema, keyword);
      return branches(place, keyword);
    }
  for (const char *keyword : {"const", "enum"})
    if (find(schema, keyword)) {
      checkAlone(schema, keyword, "type");
      return {blame(keyword, [&] { return listed(schema); })};
    }
  const unsigned types = typesOf(schema);
  if (types == kAllTypes && !namedTypes(schema))
    return {states.value()};
  std::vector<StateId> result;
  for (const unsigned type :
       {+kNull, +kBoolean, kInteger | kFraction, +kString, +kArray, +kObject})
    if (types & type)
      result.push_back(ofType(place, types & type));
  return result;
}

std::vector<StateId> Compiler::branches(const Place &place,
                                        const char *keyword) {
  const Json &list = *find(*place.schema, keyword);
  if (!list.is_array() || list.empty())
    throw KeywordRefusal(keyword, "must be an array of schemas");
  if (list.size() > kMaxThreads)
    throw KeywordRefusal(keyword, "has more than " +
                                      std::to_string(kMaxThreads) + " schemas");
  if (list.size() > 1 && keyword == std::string_view("allOf"))
    throw KeywordRefusal(keyword, "is supported with one schema only");
  if (keyword == std::string_view("oneOf"))
    checkDisjoint(place);
  std::vector<StateId> result;
  for (size_t i = 0; i < list.size(); ++i)
    result.push_back(
        stateOf(list[i], &place, pointerStep(keyword, std::to_string(i))));
  return result;
}

void Compiler::checkDisjoint(const Place &place) {
  const Json &list = *find(*place.schema, "oneOf");
  for (size_t i = 0; i < list.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (!blame("oneOf", [&] {
            return areDisjoint(root, list[k], list[i], states.budget);
          }))
        throw KeywordRefusal(
            "oneOf", "schemas " + std::to_string(k) + " and " +
                         std::to_string(i) +
                         " may both be met; give them other types or a "
                         "required property with other values, or use anyOf");
}

StateId Compiler::listed(const Json &schema) {
  const unsigned types = namedTypes(schema).value_or(kAllTypes);
  std::vector<std::string> texts;
  for (const Json *value : listedValues(schema))
    if (types & typeOf(*value))
      texts.push_back(value->dump());
  if (texts.empty())
    throw Refusal("has no value of the type");
  return states.oneOf(texts);
}

StateId Compiler::ofType(const Place &place, unsigned type) {
  switch (type) {
  case kNull:
    return states.oneOf({"null"});
  case kBoolean:
    return states.oneOf({"false", "true"});
  case kString:
    return string(*place.schema);
  case kArray:
    return array(place);
  case kObject:
    return object(place);
  default:
    return blame("type", [&] {
      return states.number(numberShapeOf(*place.schema, type));
    });
  }
}

StateId Compiler::string(const Json &schema) {
  const Lengths lengths = lengthsOf(schema, "minLength", "maxLength");
  const Json *pattern = find(schema, "pattern");
  const Json *format = find(schema, "format");
  if (pattern && format)
    throw KeywordRefusal("format", "is not supported beside 'pattern'");
  if (!pattern && !format)
    return states.string(lengths);
  const char *keyword = pattern ? "pattern" : "format";
  const Json &value = pattern ? *pattern : *format;
  if (!value.is_string())
    throw KeywordRefusal(keyword, "must be a string");
  const auto &text = value.get_ref<const std::string &>();
  const char *known = pattern ? text.c_str() : findFormat(text);
  if (!known)
    throw KeywordRefusal(keyword, "'" + shorten(text) + "' is not supported");
  return blame(keyword, [&] {
    return states.string(pattern ? std::string_view(text) : known, lengths);
  });
}

StateId Compiler::array(const Place &place) {
  const Json &schema = *place.schema;
  const Lengths lengths = lengthsOf(schema, "minItems", "maxItems");
  std::vector<StateId> first;
  if (const Json *prefix = find(schema, "prefixItems")) {
    if (!prefix->is_array() || prefix->empty())
      throw KeywordRefusal("prefixItems", "must be an array of schemas");
    for (size_t i = 0; i < prefix->size(); ++i)
      first.push_back(stateOf((*prefix)[i], &place,
                              pointerStep("prefixItems", std::to_string(i))));
  }
  std::optional<StateId> rest;
  const Json *items = find(schema, "items");
  if (items && items->is_array())
    throw KeywordRefusal("items", "must be a schema; see prefixItems");
  if (items && *items != false)
    rest = stateOf(*items, &place, "/items");
  else if (!items && (first.empty() || lengths.min > first.size()))
    rest = states.value();
  return blame("minItems", [&] { return states.array(first, rest, lengths); });
}

std::optional<StateId> Compiler::otherMembers(const Place &place) {
  const Json *others = find(*place.schema, "additionalProperties");
  if (!others)
    return find(*place.schema, "properties") ? std::nullopt
                                             : std::optional(states.value());
  if (*others == false)
    return std::nullopt;
  return stateOf(*others, &place, "/additionalProperties");
}

StateId Compiler::object(const Place &place) {
  const Json &schema = *place.schema;
  const std::optional<StateId> others = otherMembers(place);
  const std::vector<std::string> names = requiredNames(schema);
  std::unordered_set<std::string> required(names.begin(), names.end());
  std::vector<Property> properties;
  if (const Json *list = find(schema, "properties")) {
    if (!list->is_object())
      throw KeywordRefusal("properties", "must be an object of schemas");
    for (const auto &[name, value] : list->items())
      properties.push_back(
          {Json(name).dump(),
           stateOf(value, &place, pointerStep("properties", name)),
           required.erase(name) > 0});
  }
  // Required properties without a schema of their own.
  const Json *additional = find(schema, "additionalProperties");
  for (const std::string &name : names) {
    if (required.erase(name) == 0)
      continue;
    if (additional && *additional == false)
      throw KeywordRefusal("required", "names '" + shorten(name) +
                                           "', which is not a property");
    properties.push_back(
        {Json(name).dump(), others ? *others : states.value(), true});
  }
  return blame("properties", [&] { return states.object(properties, others); });
}
