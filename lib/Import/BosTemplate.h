//===- BosTemplate.h - A post_processor that writes BOS ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_BOSTEMPLATE_H
#define SHERRY_LIB_IMPORT_BOSTEMPLATE_H

#include <nlohmann/json.hpp>

namespace sherry {

/// The post_processor of a tokenizer.json that puts `token` in front of a text,
/// and in front of each text of a pair.
inline nlohmann::json makeBosTemplate(const std::string &token, int64_t id) {
  auto special = [&](int type) {
    return nlohmann::json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  auto text = [](const char *name, int type) {
    return nlohmann::json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {special(0), text("A", 0)}},
          {"pair", {special(0), text("A", 0), special(1), text("B", 1)}},
          {"special_tokens",
           {{token,
             {{"id", token},
              {"ids", nlohmann::json::array({id})},
              {"tokens", nlohmann::json::array({token})}}}}}};
}

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_BOSTEMPLATE_H
