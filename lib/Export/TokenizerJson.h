//===- TokenizerJson.h - Parts of a tokenizer.json --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_EXPORT_TOKENIZERJSON_H
#define SHERRY_LIB_EXPORT_TOKENIZERJSON_H

#include "sherry/Support/Json.h"

namespace sherry {

/// Whether an object, such as a model or a normalizer, has this type.
inline bool hasType(const nlohmann::json &object, llvm::StringRef type) {
  const nlohmann::json *value = member(object, "type");
  return value && *value == type.str();
}

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_TOKENIZERJSON_H
