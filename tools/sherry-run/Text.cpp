//===- Text.cpp - The tokens of the user's texts --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Text.h"
#include "sherry-abi/metadata.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::run;

unsigned sherry::run::tokenizeFlags(const Options &options) {
  return (options.bos ? SHERRY_TOKENIZE_BOS : 0) |
         (options.special ? SHERRY_TOKENIZE_SPECIAL : 0);
}

bool sherry::run::hasBosTwice(const sherry_model *model, const Options &options,
                              const std::vector<int32_t> &tokens) {
  const int32_t bos = sherry_model_bos_token(model);
  return bos >= 0 && tokens.size() >= 2 && tokens[0] == bos &&
         tokens[1] == bos &&
         !tokenize(model, "", tokenizeFlags(options)).empty();
}

std::vector<int32_t> sherry::run::tokenizeScored(const sherry_model *model,
                                                 const Options &options,
                                                 std::string_view text) {
  std::vector<int32_t> tokens = tokenize(model, text, tokenizeFlags(options));
  if (hasBosTwice(model, options, tokens))
    tokens.erase(tokens.begin());
  return tokens;
}

int32_t sherry::run::findPrefixToken(const sherry_model *model) {
  const int32_t bos = sherry_model_bos_token(model);
  if (bos >= 0)
    return bos;
  const auto description = nlohmann::json::parse(sherry_model_metadata(model));
  const auto ends = description.find(metadata::kEosTokenIds);
  return ends == description.end() || ends->empty()
             ? -1
             : ends->front().get<int32_t>();
}
