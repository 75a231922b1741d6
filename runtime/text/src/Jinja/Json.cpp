//===- Json.cpp - Values from JSON ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Json.h"

using namespace sherry::jinja;
using Json = nlohmann::ordered_json;

static Value convert(const Json &json, Origin origin, unsigned depth) {
  if (depth > Value::maxDepth)
    throw Error("JSON values lie within each other more than " +
                std::to_string(Value::maxDepth) + " levels deep");
  switch (json.type()) {
  case Json::value_t::boolean:
    return Value(json.get<bool>());
  case Json::value_t::number_integer:
    return Value(json.get<int64_t>());
  case Json::value_t::number_unsigned:
    if (json.get<uint64_t>() > INT64_MAX)
      throw Error("a number has more than 63 bits");
    return Value(json.get<int64_t>());
  case Json::value_t::number_float:
    return Value(json.get<double>());
  case Json::value_t::string:
    return Value(Text(json.get_ref<const std::string &>(), origin));
  case Json::value_t::array: {
    Values elements;
    for (const Json &element : json)
      elements.push_back(convert(element, origin, depth + 1));
    return Value::list(std::move(elements));
  }
  case Json::value_t::object: {
    Entries entries;
    for (const auto &[key, member] : json.items())
      entries.emplace_back(Text(key, origin),
                           convert(member, origin, depth + 1));
    return Value::object(std::move(entries));
  }
  default:
    return Value(None());
  }
}

Value sherry::jinja::fromJson(const Json &json, Origin origin) {
  return convert(json, origin, 0);
}
