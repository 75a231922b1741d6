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

/// The same value; its texts have this origin. Throws Error where lists and
/// objects lie too deep within each other.
Value fromJson(const nlohmann::ordered_json &json, Origin origin);

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_JSON_H
