//===- Schema.cpp - The text of a schema ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Schema.h"

#include <cmath>
#include <unordered_set>

using namespace sherry::grammar;

namespace {

constexpr size_t kMaxSize = size_t{64} << 10;
constexpr int kMaxNesting = 64;
constexpr size_t kMaxMembers = 1000;
constexpr size_t kMaxShown = 200; ///< bytes in messages

/// Checks limits while a schema is read.
class Limits {
public:
  void see(int depth, Json::parse_event_t event, const Json &parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kMaxNesting)
        throw Refusal("is nested more than " + std::to_string(kMaxNesting) +
                      " levels deep");
      if (event == Event::object_start)
        names.emplace_back();
    } else if (event == Event::object_end) {
      names.pop_back();
    } else if (event == Event::key) {
      if (!names.back().insert(parsed.get<std::string>()).second)
        throw Refusal("has the same name twice in an object");
      if (names.back().size() > kMaxMembers)
        throw Refusal("has an object of more than " +
                      std::to_string(kMaxMembers) + " members");
    }
  }

private:
  std::vector<std::unordered_set<std::string>> names;
};

std::string unescape(std::string_view step) {
  std::string result;
  for (size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '~' && i + 1 < step.size() &&
        (step[i + 1] == '0' || step[i + 1] == '1'))
      result += step[++i] == '0' ? '~' : '/';
    else
      result += step[i];
  }
  return result;
}

const Json *findStep(const Json &value, const std::string &step) {
  if (value.is_object()) {
    const auto member = value.find(step);
    return member == value.end() ? nullptr : &*member;
  }
  if (!value.is_array() || step.empty() || step.size() > 5 ||
      step.find_first_not_of("0123456789") != std::string::npos)
    return nullptr;
  const size_t index = std::stoul(step);
  return index < value.size() ? &value[index] : nullptr;
}

unsigned typeNamed(const Json &name) {
  static constexpr std::pair<std::string_view, unsigned> kTypes[] = {
      {"null", kNull},       {"boolean", kBoolean},
      {"integer", kInteger}, {"number", kInteger | kFraction},
      {"string", kString},   {"array", kArray},
      {"object", kObject}};
  if (name.is_string())
    for (const auto &[known, type] : kTypes)
      if (known == name.get_ref<const std::string &>())
        return type;
  throw KeywordRefusal("type", "names no type of JSON");
}

} // namespace

std::string Place::pointer() const {
  std::vector<const Place *> path;
  for (const Place *place = this; place; place = place->parent)
    path.push_back(place);
  std::string result;
  for (size_t i = path.size(); i-- > 0 && result.size() <= kMaxShown;)
    result += path[i]->step;
  return shorten(result);
}

std::string sherry::grammar::shorten(const std::string &text) {
  if (text.size() <= kMaxShown)
    return text;
  size_t end = kMaxShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80)
    --end; // not within a character
  return text.substr(0, end) + "...";
}

Json sherry::grammar::parseSchema(std::string_view text) {
  if (text.size() > kMaxSize)
    throw Refusal("has " + std::to_string(text.size()) +
                  " bytes; at most 65536 are supported");
  Limits limits;
  try {
    return Json::parse(text,
                       [&](int depth, Json::parse_event_t event, Json &parsed) {
                         limits.see(depth, event, parsed);
                         return true;
                       });
  } catch (const Json::parse_error &error) {
    throw Refusal("is not JSON; see byte " + std::to_string(error.byte));
  } catch (const Json::out_of_range &) {
    throw Refusal("has a number that is too large");
  }
}

const Json &sherry::grammar::resolve(const Json &root, const Json &reference) {
  if (!reference.is_string())
    throw KeywordRefusal("$ref", "must be a string");
  std::string_view rest = reference.get_ref<const std::string &>();
  if (rest.empty() || rest[0] != '#' || (rest.size() > 1 && rest[1] != '/') ||
      rest.find('%') != std::string_view::npos)
    throw KeywordRefusal("$ref", "is supported as '#' and a JSON pointer only");
  rest.remove_prefix(1);
  const Json *value = &root;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    value = findStep(*value, unescape(rest.substr(0, end)));
    if (!value)
      throw KeywordRefusal("$ref", "leads nowhere");
    rest.remove_prefix(end);
  }
  return *value;
}

std::string sherry::grammar::pointerStep(std::string_view keyword,
                                         std::string_view name) {
  std::string result = "/";
  result += keyword;
  result += '/';
  for (const char c : name) {
    if (c == '~')
      result += "~0";
    else if (c == '/')
      result += "~1";
    else
      result += c;
  }
  return result;
}

const Json *sherry::grammar::find(const Json &schema,
                                  const std::string &keyword) {
  if (!schema.is_object())
    return nullptr;
  const auto member = schema.find(keyword);
  return member == schema.end() ? nullptr : &*member;
}

std::optional<unsigned> sherry::grammar::namedTypes(const Json &schema) {
  const Json *type = find(schema, "type");
  if (!type)
    return std::nullopt;
  if (!type->is_array())
    return typeNamed(*type);
  unsigned result = 0;
  for (const Json &name : *type)
    result |= typeNamed(name);
  if (result == 0)
    throw KeywordRefusal("type", "names no type of JSON");
  return result;
}

unsigned sherry::grammar::typeOf(const Json &value) {
  switch (value.type()) {
  case Json::value_t::null:
    return kNull;
  case Json::value_t::boolean:
    return kBoolean;
  case Json::value_t::string:
    return kString;
  case Json::value_t::array:
    return kArray;
  case Json::value_t::object:
    return kObject;
  case Json::value_t::number_float:
    // 1.0 is an integer, too.
    return std::trunc(value.get<double>()) == value.get<double>() ? kInteger
                                                                  : kFraction;
  default:
    return kInteger;
  }
}

std::vector<const Json *> sherry::grammar::listedValues(const Json &schema) {
  if (const Json *value = find(schema, "const"))
    return {value};
  const Json *values = find(schema, "enum");
  if (!values)
    return {};
  if (!values->is_array() || values->empty())
    throw KeywordRefusal("enum", "must be an array with values");
  std::vector<const Json *> result;
  for (const Json &value : *values)
    result.push_back(&value);
  return result;
}
