//===- Json.h - Values from JSON --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_JSON_H
#define SHERRY_TEXT_JINJA_JSON_H

#include "sherry/text/jinja/Value.h"

#include <nlohmann/json.hpp>

namespace sherry::jinja {

/// The value of `json`, with texts of the origin `origin`. Throws Error if
/// lists and objects are nested too deeply.
Value fromJson(const nlohmann::ordered_json &json, Origin origin);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_JSON_H
