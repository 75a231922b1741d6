//===- TokenizerTrainer.cpp - A tokenizer.json from texts -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TokenizerTrainer.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/Support/Json.h"
#include "sherry/support/Error.h"
#include "sherry/text/ByteLevel.h"
#include "sherry/text/Tokenizer.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace sherry;
using namespace sherry::training;

static constexpr uint32_t kBytes = 256;
static constexpr uint32_t kMaxVocabSize = 1 << 24;

TokenizerTrainer::TokenizerTrainer(TokenizerOptions options)
    : options(std::move(options)) {}
TokenizerTrainer::TokenizerTrainer(TokenizerTrainer &&) = default;
TokenizerTrainer::~TokenizerTrainer() = default;

static Error check(const TokenizerOptions &options) {
  if (options.preTokenizer.empty() ||
      getPreTokenizer(options.preTokenizer).patterns.empty())
    return makeError("the pre-tokenizer " + quote(options.preTokenizer) +
                     " is not known; docs/Tokenizers.md lists the known ones");
  StringSet<> seen;
  for (const std::string &token : options.specialTokens) {
    if (token.empty() || !json::isUTF8(token))
      return makeError("the special token " + quote(token) +
                       " must be text in UTF-8, and not empty");
    if (!seen.insert(token).second)
      return makeError("the special token " + quote(token) + " is given twice");
  }
  size_t smallest = kBytes + options.specialTokens.size();
  if (options.vocabSize < smallest || options.vocabSize > kMaxVocabSize)
    return makeError(
        "the vocabulary size is " + Twine(options.vocabSize) + "; it must be " +
        Twine(smallest) + " to " + Twine(kMaxVocabSize) +
        ": the 256 bytes and the special tokens are always included");
  if (options.minFrequency == 0)
    return makeError(
        "the least frequency of a pair is 0; it must be 1 or more");
  return Error::success();
}

Expected<TokenizerTrainer> TokenizerTrainer::create(TokenizerOptions options) {
  if (Error error = check(options))
    return std::move(error);
  TokenizerTrainer trainer(std::move(options));
  std::string json;
  raw_string_ostream out(json);
  BpeVocabulary bytes = BpeTrainer().train(kBytes, 1, [](size_t) {});
  if (Error error = trainer.write(bytes, out))
    return std::move(error);
  try {
    trainer.cutter = std::make_unique<runtime::Tokenizer>(
        json, kMaxVocabSize, std::nullopt, std::nullopt);
  } catch (const runtime::Error &error) {
    return makeError(error.what());
  }
  return trainer;
}

Error TokenizerTrainer::addText(StringRef text,
                                function_ref<void(uint64_t)> onProgress) {
  constexpr uint64_t progressBytes = 1 << 22;
  const uint64_t before = trainer.getBytes();
  uint64_t next = progressBytes;
  try {
    cutter->cut(
        {text.data(), text.size()}, /*special=*/true,
        [&](std::string_view piece) {
          trainer.addPiece({piece.data(), piece.size()});
          if (uint64_t done = trainer.getBytes() - before; done >= next) {
            onProgress(done);
            next = done + progressBytes;
          }
        },
        [](int32_t) {});
  } catch (const runtime::Error &error) {
    return makeError(error.what());
  }
  return Error::success();
}

Expected<BpeVocabulary>
TokenizerTrainer::train(function_ref<void(size_t)> onMerge) const {
  if (trainer.getBytes() == 0)
    return makeError("the texts are empty; a vocabulary is learned from text");
  return trainer.train(options.vocabSize - options.specialTokens.size(),
                       options.minFrequency, onMerge);
}

static void writeByteLevel(json::OStream &json, bool usesRegex) {
  json.attribute("type", "ByteLevel");
  json.attribute("add_prefix_space", false);
  json.attribute("trim_offsets", true);
  json.attribute("use_regex", usesRegex);
}

static void writePreTokenizer(json::OStream &json, StringRef name) {
  json.attribute("type", "Sequence");
  json.attributeArray("pretokenizers", [&] {
    for (const std::string &pattern : getPreTokenizer(name).patterns)
      json.object([&] {
        json.attribute("type", "Split");
        json.attributeObject("pattern",
                             [&] { json.attribute("Regex", pattern); });
        json.attribute("behavior", "Isolated");
        json.attribute("invert", false);
      });
    json.object([&] { writeByteLevel(json, /*usesRegex=*/false); });
  });
}

static void writeModel(json::OStream &json, ArrayRef<std::string> names,
                       ArrayRef<TokenPair> merges, bool ignoresMerges) {
  json.attribute("type", "BPE");
  for (const char *field : {"dropout", "unk_token", "continuing_subword_prefix",
                            "end_of_word_suffix"})
    json.attribute(field, nullptr);
  json.attribute("fuse_unk", false);
  json.attribute("byte_fallback", false);
  json.attribute("ignore_merges", ignoresMerges);
  json.attributeObject("vocab", [&] {
    for (size_t id = 0; id < names.size(); ++id)
      json.attribute(names[id], static_cast<int64_t>(id));
  });
  json.attributeArray("merges", [&] {
    for (auto [left, right] : merges)
      json.value(names[left] + " " + names[right]);
  });
}

Error TokenizerTrainer::write(const BpeVocabulary &vocabulary,
                              raw_ostream &out) const {
  std::vector<std::string> names;
  for (const std::string &token : vocabulary.tokens)
    names.push_back(runtime::encodeByteLevel(token));
  // A special token with the bytes of a token of text would be ambiguous.
  StringSet<> specials;
  for (const std::string &token : options.specialTokens)
    specials.insert(token);
  for (const std::string &name : names)
    if (specials.contains(name))
      return makeError("the special token " + quote(name) +
                       " is also a token of text; give it another name");

  json::OStream json(out, /*IndentSize=*/1);
  json.object([&] {
    json.attribute("version", "1.0");
    json.attribute("truncation", nullptr);
    json.attribute("padding", nullptr);
    json.attributeArray("added_tokens", [&] {
      size_t id = names.size();
      for (const std::string &token : options.specialTokens)
        json.object([&] {
          json.attribute("id", static_cast<int64_t>(id++));
          json.attribute("content", token);
          for (const char *field :
               {"single_word", "lstrip", "rstrip", "normalized"})
            json.attribute(field, false);
          json.attribute("special", true);
        });
    });
    json.attribute("normalizer", nullptr);
    json.attributeObject("pre_tokenizer", [&] {
      writePreTokenizer(json, options.preTokenizer);
    });
    json.attribute("post_processor", nullptr);
    json.attributeObject("decoder",
                         [&] { writeByteLevel(json, /*usesRegex=*/true); });
    json.attributeObject("model", [&] {
      writeModel(json, names, vocabulary.merges,
                 getPreTokenizer(options.preTokenizer).ignoresMerges);
    });
  });
  out << "\n";
  return Error::success();
}
