//===- Metadata.cpp - Descriptions of a model in files --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/Metadata.h"
#include "sherry/Import/GgufConfig.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/RopeScaling.h"

#include "llvm/Support/FileSystem.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static bool hasType(const json &object, StringRef type) {
  const json *value = member(object, "type");
  return value && *value == type.str();
}

//===----------------------------------------------------------------------===//
// Tokenizers in GGUF files
//===----------------------------------------------------------------------===//

namespace {
/// The vocabulary as GGUF files have it, by id.
struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<float> scores;

  /// Ids that nobody takes have the names that llama.cpp's converter gives.
  explicit Vocabulary(int64_t size)
      : types(size, static_cast<int32_t>(GgufTokenType::Unused)),
        scores(size, 0) {
    for (int64_t id = 0; id < size; ++id)
      tokens.push_back("[PAD" + std::to_string(id) + "]");
  }
  void set(int64_t id, const std::string &token, GgufTokenType type) {
    tokens[id] = token;
    types[id] = static_cast<int32_t>(type);
  }
  void addTo(GgufWriter &writer) const {
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    writer.addIntegers("tokenizer.ggml.token_type", types);
  }
};
} // namespace

static void setAddedTokens(const json &root, Vocabulary &vocabulary) {
  const json *added = member(root, "added_tokens");
  for (const json &token : added ? *added : json::array()) {
    const json *content = member(token, "content");
    const json *special = member(token, "special");
    if (content && content->is_string()) // ids were checked when it was loaded
      vocabulary.set(token["id"], *content,
                     special && *special == true ? GgufTokenType::Control
                                                 : GgufTokenType::UserDefined);
  }
}

/// The expressions by which a pre_tokenizer cuts text.
static void listPatterns(const json &step, std::vector<std::string> &patterns) {
  if (hasType(step, "Sequence")) {
    const json *steps = member(step, "pretokenizers");
    for (const json &inner : steps ? *steps : json::array())
      listPatterns(inner, patterns);
    return;
  }
  const json *pattern = member(step, "pattern");
  const json *regex = pattern ? member(*pattern, "Regex") : nullptr;
  const json *usesRegex = member(step, "use_regex");
  const json *digits = member(step, "individual_digits");
  if (hasType(step, "Split") && regex && regex->is_string())
    patterns.push_back(*regex);
  else if (hasType(step, "Digits") && digits && *digits == true)
    patterns.emplace_back(R"(\p{N})");
  else if (!hasType(step, "ByteLevel"))
    patterns.push_back(step.dump()); // which is no known expression
  else if (!usesRegex || *usesRegex == true)
    patterns.push_back(getGpt2Pattern().str());
}

static Error describeByteLevel(const json &root, StringRef file, StringRef pre,
                               int64_t vocabSize, GgufWriter &writer) {
  const json &model = root["model"];
  Vocabulary vocabulary(vocabSize);
  for (const auto &[token, id] : model["vocab"].items())
    vocabulary.set(id, token, GgufTokenType::Normal);
  setAddedTokens(root, vocabulary);
  std::vector<std::string> merges, patterns;
  const json *list = member(model, "merges");
  for (const json &merge : list ? *list : json::array()) {
    if (merge.is_string())
      merges.push_back(merge);
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string())
      merges.push_back(merge[0].get<std::string>() + " " +
                       merge[1].get<std::string>());
    else
      return makeError(file + ": model.merges[" + Twine(merges.size()) +
                       "] is no pair of tokens");
  }
  if (const json *step = member(root, "pre_tokenizer"))
    listPatterns(*step, patterns);
  const json *ignoresMerges = member(model, "ignore_merges");
  std::string name = pre.str();
  if (name.empty())
    name = findPreTokenizer(patterns, ignoresMerges && *ignoresMerges == true);
  if (name.empty())
    return makeError(file + ": GGUF files name how text is cut into words "
                            "(tokenizer.ggml.pre), and no name that is known "
                            "stands for this pre_tokenizer; give one with "
                            "--tokenizer-pre");
  writer.addString("tokenizer.ggml.model", "gpt2");
  writer.addString("tokenizer.ggml.pre", name);
  vocabulary.addTo(writer);
  writer.addStrings("tokenizer.ggml.merges", merges);
  return Error::success();
}

/// Whether a normalizer or pre_tokenizer puts a space in front.
static bool prefixesSpace(const json *step) {
  if (!step)
    return false;
  for (const char *name : {"normalizers", "pretokenizers"})
    if (const json *steps = member(*step, name))
      return std::any_of(steps->begin(), steps->end(), [](const json &inner) {
        return prefixesSpace(&inner);
      });
  const json *scheme = member(*step, "prepend_scheme");
  const json *adds = member(*step, "add_prefix_space");
  return hasType(*step, "Prepend") ||
         (hasType(*step, "Metaspace") && !(scheme && *scheme == "never") &&
          !(adds && *adds == false));
}

static bool isBytePiece(StringRef piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece.ends_with(">");
}

/// Of what was made from SentencePiece for Hugging Face: merges in the order of
/// the scores.
static void setPieces(const json &model, Vocabulary &vocabulary) {
  const json *unknown = member(model, "unk_token");
  for (const auto &[token, id] : model["vocab"].items())
    vocabulary.set(id, token,
                   isBytePiece(token)             ? GgufTokenType::Byte
                   : unknown && *unknown == token ? GgufTokenType::Unknown
                                                  : GgufTokenType::Normal);
  const json *merges = member(model, "merges");
  for (size_t rank = merges ? merges->size() : 0; rank-- > 0;) {
    const json &merge = (*merges)[rank];
    std::string piece;
    if (merge.is_string()) {
      piece = merge.get<std::string>();
      piece.erase(std::min(piece.find(' '), piece.size() - 1), 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      piece = merge[0].get<std::string>() + merge[1].get<std::string>();
    }
    auto it = model["vocab"].find(piece);
    if (it != model["vocab"].end())
      vocabulary.scores[it->get<int64_t>()] = -static_cast<float>(rank);
  }
}

static Error describePieces(const json &root, StringRef file, int64_t vocabSize,
                            GgufWriter &writer) {
  const json &model = root["model"];
  Vocabulary vocabulary(vocabSize);
  bool addsPrefix = true;
  if (hasType(model, "SentencePieceBPE")) {
    const json *field = member(model, "add_dummy_prefix");
    addsPrefix = !field || *field != false;
    for (size_t id = 0; id < model["vocab"].size(); ++id) {
      const json &piece = model["vocab"][id];
      if (!piece.is_array() || piece.size() != 3 || !piece[0].is_string() ||
          !piece[1].is_number() || !piece[2].is_string())
        return makeError(file + ": model.vocab[" + Twine(id) +
                         "] must be a piece, a score and a kind");
      vocabulary.set(static_cast<int64_t>(id), piece[0],
                     parseTokenKind(piece[2].get<std::string>()));
      vocabulary.scores[id] = piece[1];
    }
  } else {
    addsPrefix = prefixesSpace(member(root, "normalizer")) ||
                 prefixesSpace(member(root, "pre_tokenizer"));
    setPieces(model, vocabulary);
  }
  setAddedTokens(root, vocabulary);
  writer.addString("tokenizer.ggml.model", "llama");
  writer.addString("tokenizer.ggml.pre", "default");
  vocabulary.addTo(writer);
  writer.addNumbers("tokenizer.ggml.scores", vocabulary.scores);
  writer.addBool("tokenizer.ggml.add_space_prefix", addsPrefix);
  return Error::success();
}

static Error describeTokenizer(const ModelFiles &files, StringRef pre,
                               GgufWriter &writer) {
  const TokenizerFile &tokenizer = files.tokenizer;
  if (!tokenizer.json)
    return Error::success();
  StringRef file = tokenizer.json->getBufferIdentifier();
  auto root = parseJsonObject(tokenizer.json->getBuffer(), file);
  if (!root)
    return root.takeError();
  const json &model = (*root)["model"];
  const json *fallback = member(model, "byte_fallback");
  int64_t vocabSize = files.config.vocabSize;
  bool hasPieces =
      hasType(model, "SentencePieceBPE") || (fallback && *fallback == true);
  if (Error error =
          hasPieces ? describePieces(*root, file, vocabSize, writer)
                    : describeByteLevel(*root, file, pre, vocabSize, writer))
    return error;
  writer.addBool("tokenizer.ggml.add_bos_token", tokenizer.addBos);
  auto addId = [&](StringRef key, int64_t id) {
    writer.addInteger(("tokenizer.ggml." + key + "_token_id").str(),
                      static_cast<uint32_t>(id));
  };
  if (files.config.bosTokenId)
    addId("bos", *files.config.bosTokenId);
  static constexpr StringLiteral ends[] = {"eos", "eot", "eom"};
  for (auto [key, id] : zip(ends, files.config.eosTokenIds))
    addId(key, id);
  if (!tokenizer.chatTemplate.empty())
    writer.addString("tokenizer.chat_template", tokenizer.chatTemplate);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// GGUF files
//===----------------------------------------------------------------------===//

/// What is about a file, not about the model in it.
static bool describesFile(StringRef key) {
  return key == "general.file_type" || key == "general.alignment" ||
         key == "general.quantization_version" || key.starts_with("split.") ||
         key.starts_with("quantize.") || key.starts_with("sherry.");
}

Error sherry::describeInGguf(const ModelFiles &files, StringRef pre,
                             GgufWriter &writer) {
  if (files.gguf) {
    for (const auto &[key, value] : files.gguf->getValues())
      if (!describesFile(key))
        writer.addValue(key, value);
    return Error::success();
  }
  const ModelConfig &config = files.config;
  std::string name = config.architecture->ggufName;
  writer.addString("general.architecture", name);
  writer.addString("general.type", "model");
  auto addInteger = [&](StringRef key, int64_t value) {
    writer.addInteger((name + "." + key).str(), static_cast<uint32_t>(value));
  };
  addInteger("block_count", config.numLayers);
  addInteger("context_length", config.maxPositionEmbeddings);
  addInteger("embedding_length", config.hiddenSize);
  addInteger("feed_forward_length", config.intermediateSize);
  addInteger("attention.head_count", config.numHeads);
  addInteger("attention.head_count_kv", config.numKeyValueHeads);
  addInteger("attention.key_length", config.headDim);
  addInteger("attention.value_length", config.headDim);
  addInteger("rope.dimension_count", config.headDim);
  addInteger("vocab_size", config.vocabSize);
  writer.addNumber(name + ".attention.layer_norm_rms_epsilon",
                   static_cast<float>(config.rmsNormEps));
  writer.addNumber(name + ".rope.freq_base",
                   static_cast<float>(config.ropeTheta));
  return describeTokenizer(files, pre, writer);
}

std::vector<float> sherry::listRopeDivisors(const ModelConfig &config) {
  std::vector<float> divisors;
  if (!config.ropeScaling)
    return divisors;
  const RopeScaling &scaling = *config.ropeScaling;
  for (int64_t i = 0; i < config.headDim; i += 2) {
    double frequency =
        std::pow(config.ropeTheta,
                 -static_cast<double>(i) / static_cast<double>(config.headDim));
    divisors.push_back(static_cast<float>(
        frequency /
        stretchRopeFrequency(
            frequency, scaling.factor, scaling.lowFreqFactor,
            scaling.highFreqFactor,
            static_cast<double>(scaling.originalMaxPositionEmbeddings))));
  }
  return divisors;
}

//===----------------------------------------------------------------------===//
// Hugging Face folders
//===----------------------------------------------------------------------===//

static Error writeText(StringRef folder, StringRef name, StringRef text) {
  return writeFileAtomically(joinPath(folder, name),
                             [&](raw_pwrite_stream &out) {
                               out << text;
                               return Error::success();
                             });
}

/// Pieces with scores as Hugging Face has them: merges of all pairs that are a
/// piece together, the highest score first.
static json makeMerges(const json &pieces) {
  struct Merge {
    double score;
    size_t piece;
    std::string left, right;
  };
  std::map<std::string, size_t> ids;
  for (size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id][2] == "normal")
      ids.emplace(pieces[id][0].get<std::string>(), id);
  std::vector<Merge> merges;
  for (const auto &[piece, id] : ids)
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      std::string left = piece.substr(0, cut), right = piece.substr(cut);
      if (ids.count(left) && ids.count(right))
        merges.push_back({pieces[id][1], id, left, right});
    }
  std::stable_sort(merges.begin(), merges.end(),
                   [&](const Merge &a, const Merge &b) {
                     if (a.score != b.score)
                       return a.score > b.score;
                     return a.piece < b.piece;
                   });
  json result = json::array();
  for (const Merge &merge : merges)
    result.push_back({merge.left, merge.right});
  return result;
}

/// A tokenizer.json of Hugging Face's kind for SentencePiece's pieces.
static json makePieceTokenizer(const json &model) {
  constexpr const char *space = "\u2581";
  json vocab = json::object(), added = json::array(), unknown = nullptr;
  for (size_t id = 0; id < model["vocab"].size(); ++id) {
    const json &piece = model["vocab"][id];
    vocab.emplace(piece[0].get<std::string>(), id);
    const json &kind = piece[2];
    if (kind == "unknown")
      unknown = piece[0];
    if (kind == "unknown" || kind == "control" || kind == "user_defined")
      added.push_back({{"id", id},
                       {"content", piece[0]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", kind != "user_defined"}});
  }
  bool addsPrefix = model.value("add_dummy_prefix", true);
  json normalizers = json::array(), decoders;
  if (addsPrefix)
    normalizers.push_back({{"type", "Prepend"}, {"prepend", space}});
  normalizers.push_back({{"type", "Replace"},
                         {"pattern", {{"String", " "}}},
                         {"content", space}});
  decoders = {
      {{"type", "Replace"}, {"pattern", {{"String", space}}}, {"content", " "}},
      {{"type", "ByteFallback"}},
      {{"type", "Fuse"}}};
  if (addsPrefix)
    decoders.push_back(
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"normalizer",
           {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}},
          {"pre_tokenizer", nullptr},
          {"post_processor", nullptr},
          {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", unknown},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", std::move(vocab)},
            {"merges", makeMerges(model["vocab"])}}}};
}

static Error writeTokenizer(const ModelFiles &files, StringRef folder) {
  const TokenizerFile &tokenizer = files.tokenizer;
  if (!tokenizer.json)
    return Error::success();
  std::string text = tokenizer.json->getBuffer().str();
  auto root = parseJsonObject(text, tokenizer.json->getBufferIdentifier());
  if (!root)
    return root.takeError();
  if (hasType((*root)["model"], "SentencePieceBPE"))
    text = makePieceTokenizer((*root)["model"])
               .dump(1, ' ', false, json::error_handler_t::replace);
  json config = {{"add_bos_token", tokenizer.addBos},
                 {"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (!tokenizer.chatTemplate.empty())
    config["chat_template"] = tokenizer.chatTemplate;
  const GgufValue *tokens = files.gguf->find("tokenizer.ggml.tokens");
  auto nameToken = [&](const char *field, std::optional<int64_t> id) {
    if (id && static_cast<uint64_t>(*id) < tokens->size())
      config[field] = tokens->getString(*id)->str();
  };
  nameToken("bos_token", files.config.bosTokenId);
  if (!files.config.eosTokenIds.empty())
    nameToken("eos_token", files.config.eosTokenIds.front());
  if (Error error = writeText(folder, "tokenizer.json", text))
    return error;
  return writeText(folder, "tokenizer_config.json",
                   config.dump(1, ' ', false, json::error_handler_t::replace) +
                       "\n");
}

static Error copyFiles(StringRef source, StringRef folder) {
  for (StringRef name :
       {"generation_config.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", "chat_template.jinja"}) {
    std::string path = joinPath(source, name);
    if (!sys::fs::exists(path))
      continue;
    constexpr uint64_t maxBytes = 1 << 26;
    auto text = readFile(path, maxBytes);
    if (!text)
      return text.takeError();
    if (Error error = writeText(folder, name, (*text)->getBuffer()))
      return error;
  }
  return Error::success();
}

static json describeQuantization(const QuantizationConfig &quantization) {
  json result = {{"quant_method", "sherry"},
                 {"N", 3},
                 {"M", 4},
                 {"granularity", getGranularityName(quantization.granularity)},
                 {"modules_to_not_convert", quantization.modulesToNotConvert}};
  if (quantization.granularity == format::Granularity::PerGroup)
    result["group_size"] = quantization.groupSize;
  return result;
}

Error sherry::describeInFolder(
    const ModelFiles &files, StringRef source,
    const std::optional<QuantizationConfig> &quantization, StringRef dtype,
    StringRef folder) {
  std::string text = files.configJson;
  if (!files.gguf) {
    constexpr uint64_t maxBytes = 1 << 24;
    auto file = readFile(joinPath(source, "config.json"), maxBytes);
    if (!file)
      return file.takeError();
    text = (*file)->getBuffer().str();
  }
  // It was parsed when the model was opened.
  auto config = nlohmann::ordered_json::parse(text);
  config["torch_dtype"] = dtype.str();
  config.erase("quantization_config");
  if (quantization)
    config["quantization_config"] = describeQuantization(*quantization);
  if (Error error = writeText(folder, "config.json", config.dump(2) + "\n"))
    return error;
  return files.gguf ? writeTokenizer(files, folder) : copyFiles(source, folder);
}
