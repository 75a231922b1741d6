//===- Metadata.cpp - The description inside a model ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metadata.h"
#include "Support.h"

#include <nlohmann/json.hpp>

using namespace sherry::runtime;
using nlohmann::json;

static int32_t parseToken(const json &value, uint32_t vocabSize,
                          const char *field) {
  if (value.is_number_unsigned() && value.get<uint64_t>() < vocabSize)
    return value.get<int32_t>();
  throw Error(std::string("metadata: field \"") + field +
              "\": not a token in [0, " + std::to_string(vocabSize) + ")");
}

Metadata Metadata::parse(std::string text, uint32_t vocabSize) {
  Metadata result;
  json object;
  try {
    object = json::parse(text);
  } catch (const json::exception &error) {
    throw Error(std::string("metadata: ") + error.what());
  }
  if (!object.is_object())
    throw Error("metadata: not a JSON object");

  if (auto it = object.find("vocab_size");
      it != object.end() && *it != vocabSize)
    throw Error("metadata: field \"vocab_size\" is not the " +
                std::to_string(vocabSize) + " of the model's table");
  if (auto it = object.find("bos_token_id");
      it != object.end() && !it->is_null())
    result.bosToken = parseToken(*it, vocabSize, "bos_token_id");
  if (auto it = object.find("eos_token_ids"); it != object.end()) {
    if (!it->is_array())
      throw Error("metadata: field \"eos_token_ids\": not a list");
    for (const json &token : *it)
      result.eosTokens.push_back(parseToken(token, vocabSize, "eos_token_ids"));
  }
  if (auto it = object.find("add_bos_token");
      it != object.end() && !it->is_null()) {
    if (!it->is_boolean())
      throw Error("metadata: field \"add_bos_token\": not true or false");
    result.addBos = it->get<bool>();
  }
  if (auto it = object.find("steps"); it != object.end()) {
    if (!it->is_array())
      throw Error("metadata: field \"steps\": not a list");
    result.numSteps = it->size();
  }
  result.text = std::move(text);
  return result;
}
