//===- TokenizerFixture.h - A small byte-level tokenizer --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_TOKENIZERFIXTURE_H
#define SHERRY_TEST_UNIT_RUNTIME_TOKENIZERFIXTURE_H

#include "TestSupport.h"
#include "sherry/text/Tokenizer.h"

#include <nlohmann/json.hpp>

namespace sherry::test {

class TokenizerTest : public testing::Test {
protected:
  runtime::Tokenizer make(std::optional<int32_t> bos = std::nullopt,
                          std::optional<bool> addBos = std::nullopt) const {
    return runtime::Tokenizer(config.dump(), 400, bos, addBos);
  }
  void addToken(int32_t id, const char *content, bool special,
                const char *strip = nullptr) {
    nlohmann::json token = {
        {"id", id}, {"content", content}, {"special", special}};
    if (strip)
      token[strip] = true;
    config["added_tokens"].push_back(token);
  }
  void addTemplate(nlohmann::json single) {
    config["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single", std::move(single)},
        {"special_tokens", {{"<|eos|>", {{"ids", {261}}}}}}};
  }
  static std::string join(const runtime::Tokenizer &tokenizer,
                          const std::vector<int32_t> &tokens) {
    std::string text;
    for (int32_t token : tokens)
      text += tokenizer.bytes(token);
    return text;
  }

  /// Bytes are the tokens 0 to 255; th, the, " the" and a k with the first byte
  /// of a character 256 to 259.
  nlohmann::json config = nlohmann::json::parse(
      readBytes(sourcePath("test/Unit/Runtime/Inputs/demo-tokenizer.json")));
};

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_RUNTIME_TOKENIZERFIXTURE_H
