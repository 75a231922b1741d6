//===- TextData.cpp - Texts as tokens and as batches ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TextData.h"
#include "sherry/Support/Json.h"
#include "sherry/text/Tokenizer.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

#include <torch/types.h>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// TextTokenizer
//===----------------------------------------------------------------------===//

static constexpr int64_t kMaxVocabSize = 1 << 24;

TextTokenizer::TextTokenizer() = default;
TextTokenizer::TextTokenizer(TextTokenizer &&) noexcept = default;
TextTokenizer::~TextTokenizer() = default;

/// The id of the token that `field` names, as text or as the "content" of an
/// object.
static std::optional<int64_t> findToken(const json &config, const char *field,
                                        const json &root) {
  auto it = config.find(field);
  if (it == config.end())
    return std::nullopt;
  json name = it->is_object() ? it->value("content", json()) : *it;
  if (!name.is_string())
    return std::nullopt;
  auto added = root.find("added_tokens");
  if (added != root.end() && added->is_array())
    for (const json &token : *added)
      if (token.value("content", json()) == name)
        return token.value("id", int64_t{0});
  const json &vocab = root["model"]["vocab"];
  auto id =
      vocab.is_object() ? vocab.find(name.get<std::string>()) : vocab.end();
  if (id == vocab.end())
    return std::nullopt;
  return id->get<int64_t>();
}

/// The largest id plus 1. checkTokenizer() has checked all ids.
static int64_t countTokens(const json &root) {
  const json &vocab = root["model"]["vocab"];
  int64_t count = 0;
  if (vocab.is_array())
    count = static_cast<int64_t>(vocab.size());
  else
    for (const auto &[token, id] : vocab.items())
      count = std::max(count, id.get<int64_t>() + 1);
  auto added = root.find("added_tokens");
  if (added != root.end() && added->is_array())
    for (const json &token : *added)
      count = std::max(count, token.value("id", int64_t{0}) + 1);
  return count;
}

Expected<TextTokenizer> TextTokenizer::open(StringRef folder) {
  auto file = TokenizerFile::load(folder, kMaxVocabSize);
  if (!file)
    return file.takeError();
  if (!file->json)
    return makeError(folder +
                     ": has neither a tokenizer.json nor a tokenizer.model; "
                     "give the folder of a tokenizer, or make one with "
                     "sherry-train-tokenizer");
  TextTokenizer result;
  StringRef text = file->json->getBuffer();
  auto root = parseJsonObject(text, file->json->getBufferIdentifier());
  if (!root)
    return root.takeError();
  result.vocabSize = countTokens(*root);
  std::string config = joinPath(folder, "tokenizer_config.json");
  if (sys::fs::exists(config)) {
    auto object = readJsonObject(config);
    if (!object)
      return object.takeError();
    result.bosToken = findToken(*object, "bos_token", *root);
    result.eosToken = findToken(*object, "eos_token", *root);
  }
  try {
    std::optional<int32_t> bos;
    if (result.bosToken)
      bos = static_cast<int32_t>(*result.bosToken);
    result.tokenizer = std::make_unique<runtime::Tokenizer>(
        std::string_view(text.data(), text.size()),
        static_cast<uint32_t>(result.vocabSize), bos, file->addBos);
  } catch (const std::exception &error) {
    return makeError(folder + ": " + error.what());
  }
  return result;
}

/// The offset at which to cut a text that is too long for one call: after the
/// last line end before `limit`, if there is one.
static size_t findCut(StringRef text, size_t limit) {
  if (text.size() <= limit)
    return text.size();
  size_t line = text.take_front(limit).rfind('\n');
  return line == StringRef::npos ? limit : line + 1;
}

Expected<std::vector<int32_t>>
TextTokenizer::encodeFiles(ArrayRef<std::string> paths) const {
  constexpr size_t maxPiece = size_t{1} << 30;
  std::vector<int32_t> tokens;
  for (const std::string &path : paths) {
    auto file = readFile(path, /*maxBytes=*/INT64_MAX);
    if (!file)
      return file.takeError();
    StringRef text = (*file)->getBuffer();
    bool isFirst = true;
    while (!text.empty()) {
      size_t cut = findCut(text, maxPiece);
      try {
        auto piece = tokenizer->encode(std::string_view(text.data(), cut),
                                       /*bos=*/isFirst, /*special=*/true);
        tokens.insert(tokens.end(), piece.begin(), piece.end());
      } catch (const std::exception &error) {
        return makeError(path + ": " + error.what());
      }
      text = text.drop_front(cut);
      isFirst = false;
    }
  }
  return tokens;
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

/// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

int64_t sherry::training::permute(int64_t index, int64_t count, uint64_t seed) {
  // Two halves of the same number of bits, together at least those of count.
  unsigned half = (Log2_64_Ceil(static_cast<uint64_t>(count)) + 1) / 2;
  uint64_t mask = (uint64_t{1} << half) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half, right = value & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      uint64_t next = left ^ (mix(right + mix(seed + round)) & mask);
      left = right;
      right = next;
    }
    value = left << half | right;
  } while (value >= static_cast<uint64_t>(count));
  return static_cast<int64_t>(value);
}

SequenceOrder::SequenceOrder(int64_t tokens, int64_t length, uint64_t seed)
    : length(length), windows((tokens - 1) / length),
      slack(tokens - 1 - windows * length + 1), seed(seed) {
  // One window fewer, so that the first window can begin at any token of the
  // slack.
  if (windows > 1) {
    --windows;
    slack += length;
  }
}

int64_t SequenceOrder::getOffset(int64_t sequence) const {
  int64_t epoch = sequence / windows;
  uint64_t key = mix(mix(seed) + static_cast<uint64_t>(epoch));
  auto first = static_cast<int64_t>(mix(key) % static_cast<uint64_t>(slack));
  return first + permute(sequence % windows, windows, key) * length;
}

Batch sherry::training::makeBatch(ArrayRef<int32_t> tokens,
                                  ArrayRef<int64_t> offsets, int64_t length) {
  auto count = static_cast<int64_t>(offsets.size());
  Batch batch{torch::empty({count, length}, torch::kInt64),
              torch::empty({count * length}, torch::kInt64)};
  auto *input = batch.inputs.data_ptr<int64_t>();
  auto *target = batch.targets.data_ptr<int64_t>();
  for (int64_t offset : offsets) {
    const int32_t *from = tokens.data() + offset;
    input = std::copy_n(from, length, input);
    target = std::copy_n(from + 1, length, target);
  }
  return batch;
}
