//===- TokenizerVectorsTest.cpp - Tests with others' results --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Texts and tokens that other programs made.
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"
#include "sherry/support/Error.h"
#include "sherry/text/Tokenizer.h"
#include "sherry/text/Utf8.h"

#include <nlohmann/json.hpp>

using namespace sherry::runtime;
using namespace sherry::test;
using nlohmann::json;
using Tokens = std::vector<int32_t>;

TEST(TokenizerVectors, Shakespeare) {
  Tokenizer tokenizer(readBytes(sourcePath("examples/shakespeare/"
                                           "tokenizer.json")),
                      1024, 1022, false);
  const json prompts = json::parse(readBytes(
      sourcePath("test/Integration/Inputs/shakespeare/prompts.json")));
  ASSERT_GE(prompts.size(), 5U);
  for (const json &prompt : prompts) {
    const auto text = prompt["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, true, true),
              prompt["tokens"].get<Tokens>())
        << text;
    Utf8Buffer buffer;
    std::string joined;
    for (int32_t token : prompt["greedy"].get<Tokens>())
      joined += buffer.push(tokenizer.bytes(token));
    EXPECT_EQ(joined + buffer.finish(), prompt["greedy_text"]);
  }
}
