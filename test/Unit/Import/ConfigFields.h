//===- ConfigFields.h - Fields of a config.json for tests -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_IMPORT_CONFIGFIELDS_H
#define SHERRY_TEST_UNIT_IMPORT_CONFIGFIELDS_H

#include "TestFiles.h"
#include "sherry/Import/ModelConfig.h"

namespace sherry::test {

using Fields = std::map<std::string, std::string>;

/// The fields that have no default.
inline const Fields kFields = {
    {"model_type", "\"llama\""}, {"vocab_size", "1000"},
    {"hidden_size", "192"},      {"intermediate_size", "320"},
    {"num_hidden_layers", "2"},  {"num_attention_heads", "6"},
};

/// A JSON object; fields with an empty value are left out.
inline std::string makeObject(const Fields &fields) {
  std::string text;
  for (const auto &[name, value] : fields)
    if (!value.empty())
      text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
  return "{" + text + "}";
}

/// A config.json with these fields beside or instead of kFields.
inline std::string makeJson(const Fields &changes) {
  Fields fields = kFields;
  for (const auto &[name, value] : changes)
    fields[name] = value;
  return makeObject(fields);
}

inline llvm::Expected<ModelConfig> parse(const std::string &text) {
  return ModelConfig::parse(llvm::MemoryBufferRef(text, "x/config.json"));
}

inline ModelConfig good(const Fields &changes) {
  auto config = parse(makeJson(changes));
  if (!config) {
    ADD_FAILURE() << llvm::toString(config.takeError());
    return {};
  }
  return *config;
}

inline void expectRefusal(const std::string &field, const std::string &value,
                          const std::string &remedy) {
  EXPECT_THAT(messageOf(parse(makeJson({{field, value}}))),
              mentions("x/config.json: field \"" + field, remedy))
      << value;
}

/// The same for a field of an object that is good otherwise.
inline void expectNestedRefusal(const std::string &outer, Fields fields,
                                const std::string &field,
                                const std::string &value,
                                const std::string &remedy) {
  fields[field] = value;
  EXPECT_THAT(messageOf(parse(makeJson({{outer, makeObject(fields)}}))),
              mentions("field \"" + outer + "." + field, remedy))
      << value;
}

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_IMPORT_CONFIGFIELDS_H
