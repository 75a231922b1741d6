//===- GgufConfig.cpp - What a GGUF file says about a model ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufConfig.h"
#include "sherry/Import/ModelConfig.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/RopeScaling.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/ConvertUTF.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static std::string getText(const GgufFile &file, StringRef key) {
  const GgufValue *value = file.find(key);
  return value ? value->getString().value_or("").str() : "";
}

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

/// The parameters of LLaMA 3 that give these divisors; null if there are none.
/// All its models have low_freq_factor 1 and high_freq_factor 4.
static json recognizeLlama3(ArrayRef<float> divisors, double theta) {
  constexpr double kLowFreqFactor = 1, kHighFreqFactor = 4;
  auto headDim = static_cast<double>(2 * divisors.size());
  double factor = *std::max_element(divisors.begin(), divisors.end());
  for (int64_t context = 1; context <= 1 << 20; context *= 2) {
    bool matches = true;
    for (auto [i, divisor] : enumerate(divisors)) {
      double frequency =
          std::pow(theta, -2.0 * static_cast<double>(i) / headDim);
      double expected =
          frequency / stretchRopeFrequency(frequency, factor, kLowFreqFactor,
                                           kHighFreqFactor,
                                           static_cast<double>(context));
      matches &= std::fabs(divisor - expected) <= 1e-4 * expected;
    }
    if (matches)
      return {{"rope_type", "llama3"},
              {"factor", factor},
              {"low_freq_factor", kLowFreqFactor},
              {"high_freq_factor", kHighFreqFactor},
              {"original_max_position_embeddings", context}};
  }
  return nullptr;
}

/// Refuses values that scale positions. LLaMA 3's rule has none: it is a
/// tensor.
static Error checkRopeScaling(const GgufFile &file, const std::string &name) {
  std::string type = getText(file, name + ".rope.scaling.type");
  if (!type.empty() && type != "none")
    return makeError(file.getPath() + ": " + name + ".rope.scaling.type is " +
                     quote(type) +
                     "; only \"none\" and, by the tensor rope_freqs.weight, "
                     "LLaMA 3's rule are supported");
  for (StringRef key : {"rope.scaling.factor", "rope.scale_linear",
                        "rope.scaling.attn_factor"}) {
    const GgufValue *value = file.find(name + "." + key.str());
    // Without a type, "none" is to be said: the factor counts.
    if (type == "none" && key == "rope.scaling.factor")
      continue;
    if (value && value->getNumber() != 1)
      return makeError(file.getPath() + ": " + name + "." + key +
                       " is not 1; this scaling of positions is not supported");
  }
  return Error::success();
}

static Error readRopeDivisors(const GgufModel &model, double theta,
                              json &config) {
  constexpr const char *name = "rope_freqs.weight";
  for (const std::unique_ptr<GgufFile> &file : model.files) {
    if (!file->hasTensor(name))
      continue;
    auto view = file->getTensor(name);
    if (!view)
      return view.takeError();
    constexpr int64_t maxPairs = 1 << 12;
    if (view->getRows() != 1 || view->getCols() > maxPairs)
      return makeError(file->getPath() + ": tensor \"" + name +
                       "\" is no vector of up to " + Twine(maxPairs) +
                       " numbers");
    std::vector<float> divisors(view->getCols());
    if (Error error = view->readRows(0, 1, divisors.data()))
      return error;
    if (all_of(divisors, [](float divisor) { return divisor == 1; }))
      return Error::success();
    config["rope_scaling"] = recognizeLlama3(divisors, theta);
    if (config["rope_scaling"].is_null())
      return makeError(file->getPath() + ": tensor \"" + name +
                       "\" does not follow the rule of LLaMA 3, the only one "
                       "that is supported");
  }
  return Error::success();
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

/// The eos token comes first.
static json listEndTokens(const GgufFile &file) {
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
  return ids.takeVector();
}

//===----------------------------------------------------------------------===//
// config.json
//===----------------------------------------------------------------------===//

/// The decimal number that was meant by one in f32.
static double readDecimal(double number) {
  char text[64];
  char *end = std::to_chars(std::begin(text), std::end(text),
                            static_cast<float>(number))
                  .ptr;
  double decimal = number;
  bool failed = StringRef(text, end - text).getAsDouble(decimal);
  return failed ? number : decimal;
}

/// How dense weights are to be projected, as sherry-quantize writes it.
static void readQuantization(const GgufFile &file, json &config) {
  std::string granularity = getText(file, "sherry.granularity");
  if (granularity.empty())
    return;
  json fields = {{"quant_method", "sherry"}, {"granularity", granularity}};
  if (const GgufValue *size = file.find("sherry.group_size"))
    if (auto integer = size->getInteger())
      fields["group_size"] = *integer;
  const GgufValue *modules = file.find("sherry.modules_to_not_convert");
  for (uint64_t i = 0; modules && modules->isArray() && i < modules->size();
       ++i)
    if (auto module = modules->getString(i))
      fields["modules_to_not_convert"].push_back(module->str());
  config["quantization_config"] = std::move(fields);
}

Expected<std::string> sherry::makeConfigJson(const GgufModel &model) {
  const GgufFile &file = model.first();
  std::string name = getText(file, "general.architecture");
  const Architecture *architecture = Architecture::byGgufName(name);
  if (!architecture)
    return makeError(file.getPath() + ": general.architecture is " +
                     quote(name) +
                     "; supported are \"llama\", \"hunyuan-dense\", \"qwen2\" "
                     "and \"qwen3\"");
  auto find = [&](StringRef key) { return file.find(name + "." + key.str()); };
  json config = {{"model_type", architecture->name},
                 {"architectures", {architecture->className}}};
  constexpr std::pair<const char *, const char *> sizes[] = {
      {"embedding_length", "hidden_size"},
      {"feed_forward_length", "intermediate_size"},
      {"block_count", "num_hidden_layers"},
      {"attention.head_count", "num_attention_heads"},
      {"attention.head_count_kv", "num_key_value_heads"},
      {"attention.key_length", "head_dim"},
      {"context_length", "max_position_embeddings"},
      {"vocab_size", "vocab_size"}};
  for (auto [key, field] : sizes) {
    const GgufValue *value = find(key);
    if (!value)
      continue;
    auto integer = value->getInteger();
    if (!integer)
      return makeError(
          file.getPath() + ": " + name + "." + key + " is " +
          (value->isArray()
               ? "a list; models whose layers differ are not supported"
               : "no integer below 2^63"));
    config[field] = *integer;
  }

  // What this compiler would leave out.
  for (StringRef key : {"expert_count", "attention.sliding_window"})
    if (const GgufValue *value = find(key); value && value->getNumber() != 0)
      return makeError(file.getPath() + ": " + name + "." + key +
                       " is set; models with it are not supported");
  if (Error error = checkRopeScaling(file, name))
    return error;
  for (StringRef key : {"attention.value_length", "rope.dimension_count"}) {
    const GgufValue *value = find(key);
    int64_t heads = config.value("num_attention_heads", int64_t{0});
    int64_t derived =
        heads > 0 ? config.value("hidden_size", int64_t{0}) / heads : 0;
    int64_t headDim = config.value("head_dim", derived);
    if (value && value->getInteger() && *value->getInteger() != headDim)
      return makeError(file.getPath() + ": " + name + "." + key + " is " +
                       Twine(*value->getInteger()) +
                       "; it must be the size of a head, which is " +
                       Twine(headDim));
  }

  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  if (!config.contains("vocab_size") && tokens && tokens->isArray())
    config["vocab_size"] = tokens->size();
  if (const GgufValue *value = find("attention.layer_norm_rms_epsilon"))
    if (auto number = value->getNumber())
      config["rms_norm_eps"] = readDecimal(*number);
  if (const GgufValue *value = find("rope.freq_base"))
    if (auto number = value->getNumber())
      config["rope_theta"] = readDecimal(*number);
  if (Error error =
          readRopeDivisors(model, config.value("rope_theta", 10000.0), config))
    return error;
  readQuantization(file, config);
  bool hasHead = any_of(model.files, [](const auto &file) {
    return file->hasTensor("output.weight");
  });
  config["tie_word_embeddings"] = !hasHead;
  if (const GgufValue *bos = file.find("tokenizer.ggml.bos_token_id"))
    if (auto id = bos->getInteger())
      config["bos_token_id"] = *id;
  config["eos_token_id"] = listEndTokens(file);
  // Texts of the file may be no UTF-8.
  return config.dump(1, ' ', false, json::error_handler_t::replace);
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
