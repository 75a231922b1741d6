//===- GgufConfig.cpp - Tokenizers in GGUF files --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/ConvertUTF.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static std::string getText(const GgufFile &file, StringRef key) {
  const GgufValue *value = file.find(key);
  return value ? value->getString().value_or("").str() : "";
}

//===----------------------------------------------------------------------===//
// Special tokens
//===----------------------------------------------------------------------===//

/// Tokens that end what a model says, if they are control tokens: files have
/// names for three of them only.
static constexpr StringLiteral kEndTokens[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>",
    "<|eom_id|>", "<end_of_turn>",
    // HunYuan's, with a full-width bar and a lower block for the space.
    "<\uff5chy_place\u2581holder\u2581no\u25812\uff5c>"};

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

std::vector<int64_t> sherry::listEndTokens(const GgufFile &file) {
  SmallSetVector<int64_t, 4> ids;
  for (StringRef key : {"eos", "eot", "eom"}) {
    const GgufValue *value =
        file.find(("tokenizer.ggml." + key + "_token_id").str());
    if (value)
      if (auto id = value->getInteger())
        ids.insert(*id);
  }
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  for (uint64_t id = 0; tokens && tokens->isArray() && id < tokens->size();
       ++id)
    if (getTokenType(file, id) == GgufTokenType::Control &&
        isEndToken(tokens->getString(id).value_or("")))
      ids.insert(static_cast<int64_t>(id));
  return {ids.begin(), ids.end()};
}

std::string sherry::getChatTemplate(const GgufFile &file) {
  return getText(file, "tokenizer.chat_template");
}

//===----------------------------------------------------------------------===//
// tokenizer.json
//===----------------------------------------------------------------------===//

static constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

StringRef sherry::getGpt2Pattern() { return kGpt2Pattern; }

/// As llama.cpp (src/llama-vocab.cpp) has them.
std::vector<std::string> sherry::getPreTokenizerPatterns(StringRef pre) {
  static constexpr char llama3[] =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  static constexpr char qwen2[] =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  static constexpr char cjk[] =
      R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)";
  static constexpr char eastAsian[] =
      R"([\x{4e00}-\x{9fa5}\x{0800}-\x{4e00}\x{ac00}-\x{d7ff}]+)";
  // A mark and the letters after it, or words, or marks, or white space.
  static constexpr char words[] =
      R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3")
    return {llama3};
  if (pre == "qwen2" || pre == "deepseek-r1-qwen" || pre == "hunyuan")
    return {qwen2};
  if (pre == "gpt-2" || pre == "phi-2")
    return {kGpt2Pattern};
  if (pre == "default" || pre.empty())
    return {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Pattern, R"(\p{N}+)",
            R"([0-9][0-9][0-9])"};
  if (pre == "starcoder" || pre == "refact" || pre == "command-r" ||
      pre == "smollm")
    return {R"(\p{N})", kGpt2Pattern};
  if (pre == "deepseek-coder")
    return {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", eastAsian, R"(\p{N})"};
  if (pre == "deepseek-v3" || pre == "hunyuan-dense")
    return {R"(\p{N}{1,3})", cjk, words};
  return {};
}

bool sherry::isLlama3(StringRef pre) {
  return pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3";
}

/// An expression with characters in place of escapes that stand for one.
static std::string resolveEscapes(StringRef pattern) {
  std::string result;
  while (!pattern.empty()) {
    if (!pattern.consume_front("\\")) {
      result += pattern.front();
      pattern = pattern.drop_front();
      continue;
    }
    auto [digits, rest] = pattern.split('}');
    uint32_t codePoint;
    char utf8[UNI_MAX_UTF8_BYTES_PER_CODE_POINT], *end = utf8;
    // The others may have a meaning of their own.
    constexpr uint32_t firstHarmless = 0x80;
    if (digits.consume_front("x{") && !digits.getAsInteger(16, codePoint) &&
        codePoint >= firstHarmless && ConvertCodePointToUTF8(codePoint, end)) {
      result.append(utf8, end);
      pattern = rest;
    } else if (pattern.consume_front("r")) {
      result += '\r';
    } else if (pattern.consume_front("n")) {
      result += '\n';
    } else {
      result += '\\';
      result += pattern.take_front();
      pattern = pattern.drop_front(std::min<size_t>(1, pattern.size()));
    }
  }
  return result;
}

std::string sherry::findPreTokenizer(ArrayRef<std::string> patterns,
                                     bool ignoresMerges) {
  auto isSame = [](StringRef a, StringRef b) {
    return resolveEscapes(a) == resolveEscapes(b);
  };
  for (const char *pre : {"llama-bpe", "qwen2", "gpt-2", "starcoder",
                          "deepseek-coder", "deepseek-v3", "default"})
    if (isLlama3(pre) == ignoresMerges &&
        equal(patterns, getPreTokenizerPatterns(pre), isSame))
      return pre;
  return "";
}

/// A list of strings with as many elements as there are tokens.
static const GgufValue *findTokens(const GgufFile &file) {
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  bool valid = tokens && tokens->isArray() &&
               (tokens->size() == 0 || tokens->getString(0));
  return valid ? tokens : nullptr;
}

static json listAddedTokens(const GgufFile &file, const GgufValue &tokens) {
  json added = json::array();
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    GgufTokenType type = getTokenType(file, id);
    if (type != GgufTokenType::Control && type != GgufTokenType::UserDefined)
      continue;
    StringRef text = *tokens.getString(id);
    if (!text.empty())
      added.push_back({{"id", id},
                       {"content", text.str()},
                       {"special", type == GgufTokenType::Control}});
  }
  return added;
}

static Expected<json> makeByteLevel(const GgufFile &file,
                                    const GgufValue &tokens) {
  std::string pre = getText(file, "tokenizer.ggml.pre");
  std::vector<std::string> patterns = getPreTokenizerPatterns(pre);
  if (patterns.empty())
    return makeError(
        file.getPath() + ": tokenizer.ggml.pre is " + quote(pre) +
        ", which is not known; supported are default, llama-bpe, qwen2, "
        "gpt-2, starcoder, deepseek-coder, deepseek-v3, hunyuan and "
        "hunyuan-dense");
  json vocab = json::object(), merges = json::array(), steps = json::array();
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    GgufTokenType type = getTokenType(file, id);
    if (type != GgufTokenType::Control && type != GgufTokenType::UserDefined &&
        type != GgufTokenType::Unused &&
        !vocab.emplace(tokens.getString(id)->str(), id).second)
      return makeError(file.getPath() + ": tokenizer.ggml.tokens has " +
                       quote(*tokens.getString(id)) +
                       " twice; the file is damaged, convert it anew");
  }
  const GgufValue *list = file.find("tokenizer.ggml.merges");
  if (!list || !list->isArray() || (list->size() > 0 && !list->getString(0)))
    return makeError(file.getPath() +
                     ": tokenizer.ggml.merges must be a list of strings");
  for (uint64_t i = 0; i < list->size(); ++i)
    merges.push_back(list->getString(i)->str());
  // A space is put in front before ByteLevel cuts, not in front of each word.
  bool cutsLast = patterns.back() == kGpt2Pattern;
  if (cutsLast)
    patterns.pop_back();
  for (const std::string &pattern : patterns)
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  const GgufValue *prefix = file.find("tokenizer.ggml.add_space_prefix");
  bool addSpace = prefix && prefix->getBool().value_or(false);
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", addSpace},
                   {"use_regex", cutsLast}});
  return json{
      {"added_tokens", listAddedTokens(file, tokens)},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"ignore_merges", isLlama3(pre)},
        {"vocab", std::move(vocab)},
        {"merges", std::move(merges)}}}};
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

/// SentencePiece's BPE: see docs/Tokenizers.md.
static Expected<json> makeSentencePiece(const GgufFile &file,
                                        const GgufValue &tokens) {
  const GgufValue *scores = file.find("tokenizer.ggml.scores");
  if (!scores || !scores->isArray() || scores->size() != tokens.size() ||
      (scores->size() > 0 && !scores->getNumber(0)))
    return makeError(file.getPath() + ": tokenizer.ggml.scores must have a "
                                      "number for each token");
  json vocab = json::array();
  for (uint64_t id = 0; id < tokens.size(); ++id) {
    auto type = static_cast<uint64_t>(getTokenType(file, id));
    vocab.push_back({tokens.getString(id)->str(), *scores->getNumber(id),
                     nameTokenKind(type)});
  }
  const GgufValue *prefix = file.find("tokenizer.ggml.add_space_prefix");
  bool addSpace = !prefix || prefix->getBool().value_or(true);
  return json{{"model",
               {{"type", "SentencePieceBPE"},
                {"add_dummy_prefix", addSpace},
                {"vocab", std::move(vocab)}}}};
}

Expected<std::string> sherry::makeTokenizerJson(const GgufFile &file) {
  std::string kind = getText(file, "tokenizer.ggml.model");
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
  return result->dump(-1, ' ', false, json::error_handler_t::replace);
}

bool sherry::addsBosToken(const GgufFile &file) {
  if (const GgufValue *value = file.find("tokenizer.ggml.add_bos_token"))
    return value->getBool().value_or(false);
  // As llama.cpp's defaults.
  return getText(file, "tokenizer.ggml.model") == "llama" ||
         isLlama3(getText(file, "tokenizer.ggml.pre"));
}
