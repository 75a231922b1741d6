//===- TokenizerFields.h - Fields of a tokenizer.json -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Getters that throw Error with the name of the field if its value is wrong. A
// field with the value null counts as absent. `where` is the path of the
// object, with a dot at its end.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_TOKENIZERFIELDS_H
#define SHERRY_RUNTIME_TEXT_TOKENIZERFIELDS_H

#include "sherry/support/Error.h"

#include <nlohmann/json.hpp>

namespace sherry::runtime::fields {

/// SentencePiece writes spaces as U+2581.
inline constexpr char spaceSymbol[] = "\xe2\x96\x81";

[[noreturn]] inline void fail(const std::string &field,
                              const std::string &what) {
  throw Error("tokenizer: field \"" + field + "\": " + what);
}

inline const nlohmann::json *find(const nlohmann::json &object,
                                  const char *name) {
  auto it = object.find(name); // end() if not an object
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

inline const std::string &getString(const nlohmann::json &object,
                                    const char *name,
                                    const std::string &where) {
  const nlohmann::json *value = find(object, name);
  if (!value || !value->is_string())
    fail(where + name, "must be a string");
  return value->get_ref<const std::string &>();
}

inline bool getBool(const nlohmann::json &object, const char *name, bool absent,
                    const std::string &where) {
  const nlohmann::json *value = find(object, name);
  if (value && !value->is_boolean())
    fail(where + name, "must be true or false");
  return value ? value->get<bool>() : absent;
}

inline const nlohmann::json &getList(const nlohmann::json &object,
                                     const char *name,
                                     const std::string &where) {
  const nlohmann::json *value = find(object, name);
  if (!value || !value->is_array())
    fail(where + name, "must be a list");
  return *value;
}

/// `field` makes the field's name, only on an error, because there are many
/// tokens. Only numbers are quoted, because quoting nested lists would recurse.
template <typename FieldName>
int32_t getToken(const nlohmann::json *value, uint32_t vocabSize,
                 FieldName field) {
  if (value && value->is_number_unsigned() &&
      value->get<uint64_t>() < vocabSize)
    return value->get<int32_t>();
  const std::string id = !value               ? "null"
                         : value->is_number() ? value->dump()
                                              : value->type_name();
  fail(field(),
       "the token id " + id + " is not in [0, " + std::to_string(vocabSize) +
           "): the tokenizer does not match the vocabulary of the model");
}

} // namespace sherry::runtime::fields

#endif // SHERRY_RUNTIME_TEXT_TOKENIZERFIELDS_H
