//===- Json.h - The JSON of requests ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Requests are not trusted: their depth is limited, names that occur twice are
// refused, and each value is checked before it is used.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_JSON_H
#define SHERRY_TOOLS_SERVE_JSON_H

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sherry::serve {

using Json = nlohmann::ordered_json;

/// A mistake of the client, in the form of OpenAI's API.
struct ApiError : std::runtime_error {
  ApiError(const std::string &message, std::string param = "",
           std::string code = "", int status = 400)
      : std::runtime_error(message), param(std::move(param)),
        code(std::move(code)), status(status) {}
  /// {"error": {"message", "type", "param", "code"}}
  Json toJson() const;

  std::string param; ///< the field; empty: none
  std::string code;  ///< empty: none
  int status;        ///< of HTTP
};

/// Parses the body of a request. Throws ApiError.
Json parseRequest(std::string_view text);

/// The text of a JSON value. Malformed UTF-8 becomes U+FFFD.
std::string dump(const Json &json);

/// The fields of a request; a field with the value null counts as missing. Each
/// function throws ApiError, with the field's name, if a value is wrong.
class Fields {
public:
  explicit Fields(const Json &object);

  bool has(const char *name) const { return find(name) != nullptr; }
  /// Null if there is no such field.
  const Json *find(const char *name) const;

  std::optional<bool> boolean(const char *name) const;
  std::optional<int64_t> integer(const char *name, int64_t least,
                                 int64_t most) const;
  std::optional<double> number(const char *name, double least,
                               double most) const;
  std::optional<std::string> text(const char *name) const;
  /// A text, or a list of texts.
  std::vector<std::string> texts(const char *name, size_t most) const;

  /// Throws ApiError if the request has one of these fields, which are known
  /// and not supported.
  void refuse(std::initializer_list<const char *> names) const;

  /// Names of the fields that no function has looked up.
  std::vector<std::string> unread() const;

private:
  const Json &object;
  mutable std::vector<bool> isRead; ///< by index in the object
};

/// An integer in [least, most]; throws ApiError for other values.
int64_t toInteger(const Json &value, const std::string &name, int64_t least,
                  int64_t most);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_JSON_H
