//===- GgufTokenizer.cpp - The tokenizer of a GGUF file -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufTokenizer.h"
#include "BosTemplate.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/Support/Json.h"
#include "sherry/text/ByteLevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static std::string getGgufText(const GgufFile &file, StringRef key) {
  const GgufValue *value = file.find(key);
  return value ? value->getString().value_or("").str() : "";
}

static bool isBitNet(const GgufFile &file) {
  return StringRef(getGgufText(file, "general.architecture"))
      .starts_with("bitnet");
}

/// The value of tokenizer.ggml.pre, which files of bitnet.cpp lack.
static std::string getPre(const GgufFile &file) {
  std::string pre = getGgufText(file, "tokenizer.ggml.pre");
  return pre.empty() && isBitNet(file) ? "llama-bpe" : pre;
}

/// Fails if the value exists and is not a boolean.
static Expected<bool> getBool(const GgufFile &file, StringRef key,
                              bool absent) {
  const GgufValue *value = file.find(key);
  if (!value)
    return absent;
  if (auto flag = value->getBool())
    return *flag;
  return makeError(file.getPath() + ": " + key +
                   " is neither true nor false; convert the model anew");
}

//===----------------------------------------------------------------------===//
// Special tokens
//===----------------------------------------------------------------------===//

/// Names of end tokens, as in llama.cpp and for HunYuan; files have keys for
/// only three end tokens. The markers are full-width bars, and lower blocks for
/// spaces.
static constexpr StringLiteral kEndTokens[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
    "<|calls|>", "<|flush|>", "<end_of_turn>", "<|endoftext|>", "</s>",
    "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
    "<end_of_utterance>", "<eos>", "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<\uff5chy_place\u2581holder\u2581no\u25812\uff5c>",
    // Ends of code that fills a gap.
    "<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<|fim_repo|>", "<|repo_name|>",
    "<|file_sep|>"};

bool sherry::isEndToken(StringRef token) {
  return is_contained(kEndTokens, token);
}

static GgufTokenType getTokenType(const GgufFile &file, uint64_t id) {
  const GgufValue *types = file.find("tokenizer.ggml.token_type");
  if (!types || !types->isArray() || id >= types->size())
    return GgufTokenType::Normal;
  return static_cast<GgufTokenType>(
      types->getInteger(id).value_or(static_cast<int>(GgufTokenType::Normal)));
}

/// Whether the type is a control token or a user-defined token. A normal token
/// is text, whatever its name is.
static bool isAdded(GgufTokenType type) {
  return type == GgufTokenType::Control || type == GgufTokenType::UserDefined;
}

std::optional<int64_t> sherry::getTokenId(const GgufFile &file,
                                          StringRef kind) {
  if (const GgufValue *value =
          file.find(("tokenizer.ggml." + kind + "_token_id").str()))
    return value->getInteger();
  // As llama.cpp's defaults.
  if (getGgufText(file, "tokenizer.ggml.model") == "llama") {
    if (kind == "bos")
      return 1;
    if (kind == "eos")
      return 2;
  }
  return std::nullopt;
}

std::vector<int64_t> sherry::listEndTokens(const GgufFile &file) {
  SmallSetVector<int64_t, 4> ids;
  for (StringRef kind : {"eos", "eot", "eom"})
    if (auto id = getTokenId(file, kind))
      ids.insert(*id);
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  StringMap<int64_t> named;
  for (uint64_t id = 0; tokens && tokens->isArray() && id < tokens->size();
       ++id)
    if (StringRef token = tokens->getString(id).value_or("");
        isAdded(getTokenType(file, id)) && isEndToken(token))
      named.try_emplace(token, static_cast<int64_t>(id));
  // If an answer has several messages, this token only ends a message.
  if (named.contains("<|return|>") && named.contains("<|call|>"))
    named.erase("<|end|>");
  SmallVector<int64_t> others;
  for (const auto &entry : named)
    others.push_back(entry.second);
  llvm::sort(others);
  ids.insert(others.begin(), others.end());
  return {ids.begin(), ids.end()};
}

Expected<bool> sherry::addsBosToken(const GgufFile &file) {
  // As llama.cpp's defaults.
  return getBool(file, "tokenizer.ggml.add_bos_token",
                 getGgufText(file, "tokenizer.ggml.model") == "llama" ||
                     getPreTokenizer(getPre(file)).addsBos);
}

static constexpr const char *kKinds[] = {
    "normal", "normal", "unknown", "control", "user_defined", "unused", "byte"};

const char *sherry::nameTokenKind(uint64_t type) {
  return kKinds[type < std::size(kKinds) ? type : 0];
}

GgufTokenType sherry::parseTokenKind(StringRef name) {
  for (size_t type = 1; type < std::size(kKinds); ++type)
    if (name == kKinds[type])
      return static_cast<GgufTokenType>(type);
  return GgufTokenType::Normal;
}

/// The template with which BitNet b1.58 2B 4T was trained (Microsoft's
/// tokenizer_config.json). Files of bitnet.cpp have another.
static constexpr char kBitNetTemplate[] =
    R"({{ bos_token }}{% for message in messages %}
{{- message.role | capitalize + ': ' + message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %})";

std::string sherry::getChatTemplate(const GgufFile &file) {
  std::string text = getGgufText(file, "tokenizer.chat_template");
  bool isOther = isBitNet(file) && StringRef(text).contains("BITNETAssistant");
  return isOther ? kBitNetTemplate : text;
}

//===----------------------------------------------------------------------===//
// tokenizer.json
//===----------------------------------------------------------------------===//

/// tokenizer.ggml.tokens, if it is a list of strings.
static const GgufValue *findTokens(const GgufFile &file) {
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  bool valid = tokens && tokens->isArray() &&
               (tokens->size() == 0 || tokens->getString(0));
  return valid ? tokens : nullptr;
}

static json listGgufTokens(const GgufFile &file, const GgufValue &tokens) {
  json added = json::array();
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    GgufTokenType type = getTokenType(file, id);
    StringRef text = *tokens.getString(id);
    if (!isAdded(type) || text.empty())
      continue;
    added.push_back(
        {{"id", id},
         {"content", text.str()},
         {"special", type == GgufTokenType::Control || isEndToken(text)}});
  }
  return added;
}

/// Fails if two tokens that text may become have the same name. Returns the ids
/// of the tokens that merges can reach.
static Expected<StringMap<uint64_t>> indexTokens(const GgufFile &file,
                                                 const GgufValue &tokens) {
  StringMap<uint64_t> all, normal;
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    GgufTokenType type = getTokenType(file, id);
    StringRef name = *tokens.getString(id);
    if (type == GgufTokenType::Unused || name.empty())
      continue;
    auto [entry, isNew] = all.try_emplace(name, id);
    if (!isNew)
      return makeError(file.getPath() + ": tokenizer.ggml.tokens has " +
                       quote(name) + " twice, as token " +
                       Twine(entry->second) + " and as token " + Twine(id) +
                       "; the file is damaged, convert the model anew");
    if (!isAdded(type))
      normal.try_emplace(name, id);
  }
  return normal;
}

/// Reads the merges, each of two tokens that make a third.
static Expected<json> readGgufMerges(const GgufFile &file,
                                     const StringMap<uint64_t> &ids) {
  const GgufValue *list = file.find("tokenizer.ggml.merges");
  if (!list || !list->isArray() || (list->size() > 0 && !list->getString(0)))
    return makeError(file.getPath() +
                     ": tokenizer.ggml.merges must be a list of strings");
  json merges = json::array();
  for (uint64_t i = 0; i < list->size(); ++i) {
    StringRef merge = *list->getString(i);
    auto [left, right] = merge.split(' ');
    std::string both = (left + right).str();
    for (StringRef token : {left, right, StringRef(both)})
      if (left.empty() || right.empty() || !ids.contains(token))
        return makeError(
            file.getPath() + ": tokenizer.ggml.merges[" + Twine(i) + "] is " +
            quote(merge) + ", but " +
            (left.empty() || right.empty()
                 ? "it must be two tokens"
                 : "tokenizer.ggml.tokens has no " + quote(token)) +
            "; the file is damaged, convert the model anew");
    merges.push_back(merge.str());
  }
  return merges;
}

static Expected<json> makeByteLevel(const GgufFile &file,
                                    const GgufValue &tokens) {
  std::string pre = getPre(file);
  auto [patterns, ignoresMerges, addsBos, normalizes] = getPreTokenizer(pre);
  if (patterns.empty())
    return makeError(file.getPath() + ": tokenizer.ggml.pre is " + quote(pre) +
                     ", which is not known; supported are " +
                     listPreTokenizers());
  auto ids = indexTokens(file, tokens);
  if (!ids)
    return ids.takeError();
  auto merges = readGgufMerges(file, *ids);
  if (!merges)
    return merges.takeError();
  auto addSpace = getBool(file, "tokenizer.ggml.add_space_prefix", false);
  if (!addSpace)
    return addSpace.takeError();
  json vocab = json::object(), steps = json::array();
  for (const auto &entry : *ids)
    vocab.emplace(entry.getKey().str(), entry.second);
  // The space is put in front before ByteLevel cuts, not in front of each word.
  bool cutsLast = patterns.back() == runtime::kGpt2Pattern;
  if (cutsLast)
    patterns.pop_back();
  for (const std::string &pattern : patterns)
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", *addSpace},
                   {"trim_offsets", true},
                   {"use_regex", cutsLast}});
  return json{
      {"version", "1.0"},
      {"added_tokens", listGgufTokens(file, tokens)},
      {"normalizer", normalizes ? json{{"type", "NFC"}} : json()},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
      {"decoder",
       {{"type", "ByteLevel"},
        {"add_prefix_space", true},
        {"trim_offsets", true},
        {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"ignore_merges", ignoresMerges},
        {"vocab", std::move(vocab)},
        {"merges", std::move(*merges)}}}};
}

/// SentencePiece's BPE: see docs/Tokenizers.md.
static Expected<json> makeSentencePiece(const GgufFile &file,
                                        const GgufValue &tokens) {
  const GgufValue *scores = file.find("tokenizer.ggml.scores");
  if (!scores || !scores->isArray() || scores->size() != tokens.size() ||
      (scores->size() > 0 && !scores->getNumber(0)))
    return makeError(file.getPath() + ": tokenizer.ggml.scores must have a "
                                      "number for each token");
  if (auto ids = indexTokens(file, tokens); !ids)
    return ids.takeError();
  auto addSpace = getBool(file, "tokenizer.ggml.add_space_prefix", true);
  if (!addSpace)
    return addSpace.takeError();
  json vocab = json::array();
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    StringRef piece = *tokens.getString(id);
    GgufTokenType type = getTokenType(file, id);
    if (type == GgufTokenType::UserDefined && isEndToken(piece))
      type = GgufTokenType::Control;
    vocab.push_back({piece.str(), *scores->getNumber(id),
                     nameTokenKind(static_cast<uint64_t>(type))});
  }
  return json{{"model",
               {{"type", "SentencePieceBPE"},
                {"add_dummy_prefix", *addSpace},
                {"vocab", std::move(vocab)}}}};
}

Expected<std::string> sherry::makeTokenizerJson(const GgufFile &file) {
  std::string kind = getGgufText(file, "tokenizer.ggml.model");
  if (kind.empty() || kind == "none")
    return "";
  const GgufValue *tokens = findTokens(file);
  if (!tokens)
    return makeError(file.getPath() +
                     ": tokenizer.ggml.tokens must be a list of strings");
  if (kind != "gpt2" && kind != "llama")
    return makeError(file.getPath() + ": tokenizer.ggml.model is " +
                     quote(kind) +
                     "; supported are \"gpt2\" (byte-level BPE) and \"llama\" "
                     "(SentencePiece)");
  auto result = kind == "gpt2" ? makeByteLevel(file, *tokens)
                               : makeSentencePiece(file, *tokens);
  if (!result)
    return result.takeError();
  auto addsBos = addsBosToken(file);
  if (!addsBos)
    return addsBos.takeError();
  int64_t id = getTokenId(file, "bos").value_or(-1);
  (*result)["post_processor"] = nullptr;
  if (*addsBos && id >= 0 && static_cast<uint64_t>(id) < tokens->size())
    (*result)["post_processor"] =
        makeBosTemplate(tokens->getString(id)->str(), id);
  return result->dump(-1, ' ', false, json::error_handler_t::replace);
}
