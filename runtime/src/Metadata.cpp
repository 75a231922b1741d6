//===- Metadata.cpp - The description inside a model ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metadata.h"
#include "sherry-abi/limits.h"
#include "sherry-abi/metadata.h"
#include "sherry/support/Error.h"

#include <nlohmann/json.hpp>

using namespace sherry::runtime;
namespace metadata = sherry::metadata;
using nlohmann::json;

[[noreturn]] static void fail(const char *field, const std::string &problem) {
  throw Error(std::string("metadata: field \"") + field + "\"" + problem);
}

static int32_t parseToken(const json &value, uint32_t vocabSize,
                          const char *field) {
  if (value.is_number_unsigned() && value.get<uint64_t>() < vocabSize)
    return value.get<int32_t>();
  fail(field, ": not a token in [0, " + std::to_string(vocabSize) + ")");
}

static MatrixRange parseMatrix(const json &object) {
  namespace matrix = metadata::matrix;
  auto get = [&](const char *key, uint64_t least) {
    auto it = object.find(key);
    // With this limit, sums and products of findReader() do not overflow.
    if (it == object.end() || !it->is_number_unsigned() ||
        it->get<uint64_t>() < least || it->get<uint64_t>() >= uint64_t{1} << 48)
      fail(metadata::kMatrices,
           std::string(": \"") + key + "\" is no number of bytes or layers");
    return it->get<uint64_t>();
  };
  return {get(matrix::kOffset, 0), get(matrix::kStride, 1),
          get(matrix::kCount, 1), get(matrix::kBytes, 1)};
}

std::optional<uint64_t>
sherry::runtime::findReader(const std::vector<MatrixRange> &matrices,
                            uint64_t byte, uint64_t threads) {
  for (const MatrixRange &matrix : matrices) {
    if (byte < matrix.offset)
      continue;
    const uint64_t layer = (byte - matrix.offset) / matrix.stride;
    const uint64_t at = (byte - matrix.offset) % matrix.stride;
    // Outputs lie in ascending order, and so do the shares of the threads. In a
    // prefill a thread also reads the up rows of its gate rows.
    if (layer < matrix.count && at < matrix.bytes)
      return at * threads / matrix.bytes;
  }
  return std::nullopt;
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

  if (auto it = object.find(metadata::kVocabSize);
      it != object.end() && *it != vocabSize)
    fail(metadata::kVocabSize,
         " is not the " + std::to_string(vocabSize) + " of the model's table");
  if (auto it = object.find(metadata::kBosTokenId);
      it != object.end() && !it->is_null())
    result.bosToken = parseToken(*it, vocabSize, metadata::kBosTokenId);
  if (auto it = object.find(metadata::kEosTokenIds); it != object.end()) {
    if (!it->is_array())
      fail(metadata::kEosTokenIds, ": not a list");
    for (const json &token : *it)
      result.eosTokens.push_back(
          parseToken(token, vocabSize, metadata::kEosTokenIds));
  }
  if (auto it = object.find(metadata::kAddBosToken);
      it != object.end() && !it->is_null()) {
    if (!it->is_boolean())
      fail(metadata::kAddBosToken, ": not true or false");
    result.addBos = it->get<bool>();
  }
  if (auto it = object.find(metadata::kSteps); it != object.end()) {
    if (!it->is_array())
      fail(metadata::kSteps, ": not a list");
    result.numSteps = it->size();
  }
  if (auto it = object.find(metadata::kMatrices); it != object.end()) {
    // Each page of the weights is looked up in the list.
    if (!it->is_array() || it->size() > SHERRY_ABI_MAX_MATRICES)
      fail(metadata::kMatrices, ": not a list of at most " +
                                    std::to_string(SHERRY_ABI_MAX_MATRICES) +
                                    " matrices");
    for (const json &matrix : *it)
      result.matrices.push_back(parseMatrix(matrix));
  }
  if (auto it = object.find(metadata::kRanks); it != object.end()) {
    if (!it->is_number_unsigned())
      fail(metadata::kRanks, ": not a number of ranks");
    result.numRanks = it->get<uint64_t>();
  }
  result.text = std::move(text);
  return result;
}
