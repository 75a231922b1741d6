//===- Json.cpp - The JSON of requests ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

#include <cmath>
#include <set>

using namespace sherry::serve;

static constexpr int kMostDepth = 64;

Json ApiError::toJson() const {
  const char *type = status == 401   ? "authentication_error"
                     : status == 403 ? "permission_error"
                     : status == 404 ? "not_found_error"
                     : status == 429 ? "rate_limit_error"
                     : status >= 500 ? "server_error"
                                     : "invalid_request_error";
  return {{"error",
           {{"message", what()},
            {"type", type},
            {"param", param.empty() ? Json() : Json(param)},
            {"code", code.empty() ? Json() : Json(code)}}}};
}

Json sherry::serve::parseRequest(std::string_view text) {
  std::vector<std::set<std::string>> names; // of the open objects
  auto check = [&](int depth, Json::parse_event_t event, Json &value) {
    if (depth > kMostDepth)
      throw ApiError("the JSON is deeper than " + std::to_string(kMostDepth) +
                     " levels");
    if (event == Json::parse_event_t::object_start)
      names.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      names.pop_back();
    else if (event == Json::parse_event_t::key &&
             !names.back().insert(value.get<std::string>()).second)
      throw ApiError("the JSON has a name twice in one object",
                     value.get<std::string>());
    return true;
  };
  try {
    Json result = Json::parse(text, check);
    if (!result.is_object())
      throw ApiError("the body must be a JSON object");
    return result;
  } catch (const Json::exception &error) {
    // The library's message may quote the request, so it is not passed on.
    throw ApiError(error.id == 406
                       ? "the body has a number that no float can hold"
                       : "the body is not JSON in UTF-8");
  }
}

std::string sherry::serve::dump(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Fields::Fields(const Json &object) : object(object), isRead(object.size()) {
  if (!object.is_object())
    throw ApiError("must be an object");
}

const Json *Fields::find(const char *name) const {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null())
    return nullptr;
  isRead[static_cast<size_t>(std::distance(object.begin(), it))] = true;
  return &*it;
}

std::vector<std::string> Fields::unread() const {
  std::vector<std::string> names;
  size_t place = 0;
  for (const auto &[name, value] : object.items())
    if (!isRead[place++] && !value.is_null())
      names.push_back(name);
  return names;
}

std::optional<bool> Fields::boolean(const char *name) const {
  const Json *value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_boolean())
    throw ApiError("must be true or false", name);
  return value->get<bool>();
}

int64_t sherry::serve::toInteger(const Json &value, const std::string &name,
                                 int64_t least, int64_t most) {
  const bool fits =
      value.is_number_unsigned()
          ? value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
          : value.is_number_integer();
  if (!fits || value.get<int64_t>() < least || value.get<int64_t>() > most)
    throw ApiError("must be a whole number from " + std::to_string(least) +
                       " to " + std::to_string(most),
                   name);
  return value.get<int64_t>();
}

std::optional<int64_t> Fields::integer(const char *name, int64_t least,
                                       int64_t most) const {
  const Json *value = find(name);
  if (!value)
    return std::nullopt;
  return toInteger(*value, name, least, most);
}

std::optional<double> Fields::number(const char *name, double least,
                                     double most) const {
  const Json *value = find(name);
  if (!value)
    return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= least && number <= most)) {
    char range[64];
    std::snprintf(range, sizeof(range), "must be a number from %g to %g", least,
                  most);
    throw ApiError(range, name);
  }
  return number;
}

std::optional<std::string> Fields::text(const char *name) const {
  const Json *value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_string())
    throw ApiError("must be a text", name);
  return value->get<std::string>();
}

std::vector<std::string> Fields::texts(const char *name, size_t most) const {
  const Json *value = find(name);
  if (!value)
    return {};
  if (value->is_string())
    return {value->get<std::string>()};
  if (!value->is_array())
    throw ApiError("must be a text or a list of texts", name);
  if (value->size() > most)
    throw ApiError("must have " + std::to_string(most) + " texts at most",
                   name);
  std::vector<std::string> result;
  for (const Json &entry : *value) {
    if (!entry.is_string())
      throw ApiError("must be a text or a list of texts", name);
    result.push_back(entry.get<std::string>());
  }
  return result;
}

void Fields::refuse(std::initializer_list<const char *> names) const {
  for (const char *name : names)
    if (has(name))
      throw ApiError(std::string(name) + " is not supported by this server",
                     name, "unsupported_parameter");
}
