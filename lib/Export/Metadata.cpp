//===- Metadata.cpp - Descriptions of a model in files --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/Metadata.h"
#include "TokenizerConfig.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/Problem.h"

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
  /// A token that is found in texts before anything else.
  bool isAdded(int64_t id) const {
    return types[id] == static_cast<int32_t>(GgufTokenType::Control) ||
           types[id] == static_cast<int32_t>(GgufTokenType::UserDefined);
  }
  void addTo(GgufWriter &writer) const {
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    writer.addIntegers("tokenizer.ggml.token_type", types);
  }
};
} // namespace

static void setAddedTokens(const json &root, Vocabulary &vocabulary,
                           std::set<std::string> &notes) {
  auto isTrue = [](const json *field) { return field && *field == true; };
  const json *added = member(root, "added_tokens");
  for (const json &token : added ? *added : json::array()) {
    const json *content = member(token, "content");
    if (content && content->is_string()) // ids were checked when it was loaded
      vocabulary.set(token["id"], *content,
                     isTrue(member(token, "special"))
                         ? GgufTokenType::Control
                         : GgufTokenType::UserDefined);
    if (isTrue(member(token, "lstrip")) || isTrue(member(token, "rstrip")))
      notes.insert(
          "that white space belongs to an added token (lstrip, rstrip) "
          "is not said in GGUF files; it becomes tokens there");
    if (isTrue(member(token, "single_word")))
      notes.insert("that an added token is no part of a word (single_word) is "
                   "not said in GGUF files; it is found within words there");
  }
}

/// The expression of a Split that keeps the matches and what is between them.
static const json *getSplitPattern(const json &step) {
  const json *pattern = member(step, "pattern");
  const json *regex = pattern ? member(*pattern, "Regex") : nullptr;
  const json *behavior = member(step, "behavior");
  const json *inverts = member(step, "invert");
  // What no expression of ours matches is nothing.
  bool keeps =
      behavior && (*behavior == "Isolated" ||
                   (*behavior == "Removed" && inverts && *inverts == true));
  return hasType(step, "Split") && keeps && regex && regex->is_string()
             ? regex
             : nullptr;
}

/// The expressions by which a pre_tokenizer cuts text.
static void listPatterns(const json &step, std::vector<std::string> &patterns) {
  if (hasType(step, "Sequence")) {
    const json *steps = member(step, "pretokenizers");
    bool hasBytes = false;
    for (const json &inner : steps ? *steps : json::array()) {
      // What comes behind ByteLevel sees other characters.
      if (hasBytes)
        patterns.push_back(inner.dump());
      else
        listPatterns(inner, patterns);
      hasBytes |= hasType(inner, "ByteLevel");
    }
    return;
  }
  const json *usesRegex = member(step, "use_regex");
  const json *digits = member(step, "individual_digits");
  if (const json *regex = getSplitPattern(step))
    patterns.push_back(*regex);
  else if (hasType(step, "Digits"))
    patterns.emplace_back(digits && *digits == true ? R"(\p{N})" : R"(\p{N}+)");
  else if (!hasType(step, "ByteLevel"))
    patterns.push_back(step.dump()); // which is no known expression
  else if (!usesRegex || *usesRegex == true)
    patterns.push_back(getGpt2Pattern().str());
}

/// Whether a normalizer brings text to NFC; the runtime has accepted it.
static bool normalizes(const json *normalizer) {
  const json *steps = normalizer ? member(*normalizer, "normalizers") : nullptr;
  return normalizer &&
         (hasType(*normalizer, "NFC") || (steps && !steps->empty()));
}

/// The name that stands for a byte-level tokenizer; empty if there is none.
static std::string namePreTokenizer(const json &root,
                                    std::set<std::string> &notes) {
  PreTokenizer rule;
  if (const json *step = member(root, "pre_tokenizer"))
    listPatterns(*step, rule.patterns);
  const json *ignoresMerges = member(root["model"], "ignore_merges");
  rule.ignoresMerges = ignoresMerges && *ignoresMerges == true;
  rule.normalizes = normalizes(member(root, "normalizer"));
  std::string name = findPreTokenizer(rule);
  if (!name.empty() || !rule.normalizes)
    return name;
  rule.normalizes = false;
  name = findPreTokenizer(rule);
  if (!name.empty())
    notes.insert("that texts are brought to NFC is not said in GGUF files of "
                 "this pre-tokenizer; texts in other forms give other tokens "
                 "there");
  return name;
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
         ((hasType(*step, "Metaspace") || hasType(*step, "ByteLevel")) &&
          !(scheme && *scheme == "never") && !(adds && *adds == false));
}

static Error describeByteLevel(const json &root, StringRef file, StringRef pre,
                               Vocabulary &vocabulary, GgufWriter &writer,
                               std::set<std::string> &notes) {
  const json &model = root["model"];
  for (const auto &[token, id] : model["vocab"].items())
    vocabulary.set(id, token, GgufTokenType::Normal);
  std::vector<std::string> merges;
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
  std::string name = pre.str();
  if (name.empty())
    name = namePreTokenizer(root, notes);
  if (name.empty())
    return makeError(Problem::UnknownPreTokenizer,
                     file + ": GGUF files name how text is cut into words "
                            "(tokenizer.ggml.pre), and no name that is known "
                            "stands for this pre_tokenizer");
  writer.addString("tokenizer.ggml.model", "gpt2");
  writer.addString("tokenizer.ggml.pre", name);
  writer.addStrings("tokenizer.ggml.merges", merges);
  writer.addBool("tokenizer.ggml.add_space_prefix",
                 prefixesSpace(member(root, "pre_tokenizer")));
  return Error::success();
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

static Error describePieces(const json &root, StringRef file,
                            Vocabulary &vocabulary, GgufWriter &writer,
                            std::set<std::string> &notes) {
  const json &model = root["model"];
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
    const json *step = member(root, "pre_tokenizer");
    const json *scheme = step ? member(*step, "prepend_scheme") : nullptr;
    addsPrefix =
        prefixesSpace(member(root, "normalizer")) || prefixesSpace(step);
    if (scheme && *scheme == "first")
      notes.insert("that only the first text gets a space in front "
                   "(prepend_scheme) is not said in GGUF files; what follows "
                   "an added token gets one too there");
    setPieces(model, vocabulary);
  }
  writer.addString("tokenizer.ggml.model", "llama");
  writer.addString("tokenizer.ggml.pre", "default");
  writer.addNumbers("tokenizer.ggml.scores", vocabulary.scores);
  writer.addBool("tokenizer.ggml.add_space_prefix", addsPrefix);
  return Error::success();
}

static void addTokenId(StringRef kind, int64_t id, GgufWriter &writer) {
  writer.addInteger(("tokenizer.ggml." + kind + "_token_id").str(),
                    static_cast<uint32_t>(id));
}

/// GGUF files have names for three tokens that end what a model says; readers
/// find others by what they are called.
static void describeEndTokens(ArrayRef<int64_t> ids,
                              const Vocabulary &vocabulary, GgufWriter &writer,
                              std::set<std::string> &notes) {
  if (ids.empty())
    return;
  addTokenId("eos", ids.front(), writer);
  std::optional<int64_t> endOfTurn, endOfMessage;
  SmallVector<int64_t> others;
  for (int64_t id : ids.drop_front()) {
    const std::string &token = vocabulary.tokens[id];
    if (token == "<|eom_id|>")
      endOfMessage = id;
    else if (isEndToken(token) && vocabulary.isAdded(id))
      endOfTurn = endOfTurn.value_or(id);
    else
      others.push_back(id);
  }
  for (int64_t id : others) {
    std::optional<int64_t> &free = endOfTurn ? endOfMessage : endOfTurn;
    if (free)
      notes.insert("token " + std::to_string(id) +
                   " ends what the model says, which GGUF files say of three "
                   "tokens only; it is left out there");
    else
      free = id;
  }
  if (endOfTurn)
    addTokenId("eot", *endOfTurn, writer);
  if (endOfMessage)
    addTokenId("eom", *endOfMessage, writer);
}

static Error describeTokenizer(const ModelFiles &files, StringRef pre,
                               GgufWriter &writer,
                               std::set<std::string> &notes) {
  const TokenizerFile &tokenizer = files.tokenizer;
  const ModelConfig &config = files.config;
  Vocabulary vocabulary(config.vocabSize);
  if (config.bosTokenId)
    addTokenId("bos", *config.bosTokenId, writer);
  if (!tokenizer.json) {
    describeEndTokens(config.eosTokenIds, vocabulary, writer, notes);
    return Error::success();
  }
  StringRef file = tokenizer.json->getBufferIdentifier();
  auto root = parseJsonObject(tokenizer.json->getBuffer(), file);
  if (!root)
    return root.takeError();
  const json &model = (*root)["model"];
  const json *fallback = member(model, "byte_fallback");
  bool hasPieces =
      hasType(model, "SentencePieceBPE") || (fallback && *fallback == true);
  if (Error error =
          hasPieces
              ? describePieces(*root, file, vocabulary, writer, notes)
              : describeByteLevel(*root, file, pre, vocabulary, writer, notes))
    return error;
  setAddedTokens(*root, vocabulary, notes);
  vocabulary.addTo(writer);
  if (tokenizer.addBos && !config.bosTokenId)
    return makeError(file + ": texts begin with a token that config.json does "
                            "not name; give it a bos_token_id");
  writer.addBool("tokenizer.ggml.add_bos_token", tokenizer.addBos);
  describeEndTokens(config.eosTokenIds, vocabulary, writer, notes);
  if (!tokenizer.chatTemplate.empty())
    writer.addString("tokenizer.chat_template", tokenizer.chatTemplate);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// GGUF files
//===----------------------------------------------------------------------===//

static void describeSampling(const ModelConfig &config, GgufWriter &writer,
                             std::set<std::string> &notes) {
  for (const SamplingField &field : listSamplingFields()) {
    auto it = config.sampling.find(field.name);
    if (it == config.sampling.end())
      continue;
    if (!field.ggufKey)
      notes.insert(std::string(field.name) +
                   " of generation_config.json has no key in GGUF files; it is "
                   "left out there");
    else if (field.isInteger)
      writer.addInteger(field.ggufKey, static_cast<uint32_t>(it->second));
    else
      writer.addNumber(field.ggufKey, static_cast<float>(it->second));
  }
}

/// What is about a file, not about the model in it.
static bool describesFile(StringRef key) {
  return key == "general.file_type" || key == "general.alignment" ||
         key == "general.quantization_version" || key.starts_with("split.") ||
         key.starts_with("quantize.") || key.starts_with("sherry.");
}

Error sherry::describeInGguf(const ModelFiles &files, StringRef pre,
                             GgufWriter &writer, std::set<std::string> &notes) {
  const ModelConfig &config = files.config;
  std::string name = config.architecture->ggufName;
  if (files.gguf) {
    // A rope scaling that changes something is said anew, see describeRope().
    auto describesRope = [&](StringRef key) {
      return config.ropeScaling && key.consume_front(name + ".rope.") &&
             (key.starts_with("scaling.") || key == "scale_linear");
    };
    for (const auto &[key, value] : files.gguf->getValues())
      if (!describesFile(key) && !describesRope(key))
        writer.addValue(key, value);
    return Error::success();
  }
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
  describeSampling(config, writer, notes);
  return describeTokenizer(files, pre, writer, notes);
}

/// As llama.cpp reads it, see Translator::takeRope().
Expected<std::vector<float>> sherry::describeRope(const ModelConfig &config,
                                                  GgufWriter &writer) {
  if (!config.ropeScaling)
    return std::vector<float>();
  const RopeScaling &scaling = *config.ropeScaling;
  const Architecture &architecture = *config.architecture;
  std::string prefix = std::string(architecture.ggufName) + ".rope.scaling.";
  auto addNumber = [&](const char *key, double value) {
    writer.addNumber(prefix + key, static_cast<float>(value));
  };
  if (scaling.type == RopeScaling::Type::Linear) {
    writer.addString(prefix + "type", "linear");
    addNumber("factor", scaling.factor);
    return std::vector<float>();
  }
  if (scaling.type == RopeScaling::Type::Yarn && scaling.truncates) {
    writer.addString(prefix + "type", "yarn");
    addNumber("factor", scaling.factor);
    writer.addInteger(
        prefix + "original_context_length",
        static_cast<uint32_t>(scaling.originalMaxPositionEmbeddings));
    addNumber("yarn_beta_fast", scaling.betaFast);
    addNumber("yarn_beta_slow", scaling.betaSlow);
    double usual = 1 + 0.1 * std::log(scaling.factor);
    if (scaling.magnitude != usual)
      addNumber("attn_factor", scaling.magnitude / usual);
    return std::vector<float>();
  }
  if (!architecture.ggufHasRopeFreqs)
    return makeError(
        Problem::NeedsFolder,
        "GGUF files cannot say the rope scaling of this model: readers of " +
            quote(architecture.ggufName) + " take no rope_freqs.weight");
  if (scaling.magnitude != 1)
    addNumber("attn_factor", scaling.magnitude);
  std::vector<double> divisors = listRopeDivisors(config);
  return std::vector<float>(divisors.begin(), divisors.end());
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

/// A tokenizer.json of Hugging Face's kind for SentencePiece's pieces, whose
/// `text` the runtime has accepted.
static json makePieceTokenizer(const json &root, StringRef text,
                               int64_t vocabSize) {
  const json &model = root["model"];
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
  json normalizers = json::array(), merges = json::array(), decoders;
  auto parsed = runtime::TokenizerConfig::parse(
      std::string_view(text.data(), text.size()),
      static_cast<uint32_t>(vocabSize));
  for (const runtime::BpeMerge &merge : parsed.merges)
    merges.push_back(
        {model["vocab"][merge.left][0], model["vocab"][merge.right][0]});
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
          {"post_processor", root.value("post_processor", json())},
          {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", unknown},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merges)}}}};
}

/// What a GGUF file recommends.
static Error writeGenerationConfig(const ModelConfig &config,
                                   StringRef folder) {
  if (config.sampling.empty())
    return Error::success();
  json fields;
  for (const SamplingField &field : listSamplingFields())
    if (auto it = config.sampling.find(field.name); it != config.sampling.end())
      fields[field.name] = field.isInteger
                               ? json(static_cast<int64_t>(it->second))
                               : json(it->second);
  auto temperature = config.sampling.find("temperature");
  bool isGreedy =
      temperature != config.sampling.end() && temperature->second == 0;
  fields["do_sample"] = !isGreedy;
  // transformers has no temperature of 0.
  if (isGreedy)
    fields.erase("temperature");
  return writeText(folder, "generation_config.json", fields.dump(2) + "\n");
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
    text = makePieceTokenizer(*root, text, files.config.vocabSize)
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

/// What folders have beside config.json and the weights.
static constexpr const char *kOtherFiles[] = {"generation_config.json",
                                              "tokenizer.json",
                                              "tokenizer.model",
                                              "tokenizer_config.json",
                                              "special_tokens_map.json",
                                              "added_tokens.json",
                                              "vocab.json",
                                              "merges.txt",
                                              "chat_template.jinja"};

/// Whether describeInFolder writes the file `name` of kOtherFiles.
static bool isWritten(const ModelFiles &files, StringRef source,
                      StringRef name) {
  if (!files.gguf)
    return sys::fs::exists(joinPath(source, name));
  if (name == "generation_config.json")
    return !files.config.sampling.empty();
  return files.tokenizer.json &&
         (name == "tokenizer.json" || name == "tokenizer_config.json");
}

Error sherry::checkFolder(const ModelFiles &files, StringRef source,
                          StringRef folder) {
  for (const char *name : {"config.json", "model.safetensors"})
    if (Error error = checkNotRead(joinPath(folder, name)))
      return error;
  for (const char *name : kOtherFiles) {
    std::string path = joinPath(folder, name);
    if (Error error = checkNotRead(path))
      return error;
    if (sys::fs::exists(path) && !isWritten(files, source, name))
      return makeError(path + ": is there already, and this model has no such "
                              "file; remove it or give another folder");
  }
  return Error::success();
}

Error sherry::copyModelFiles(StringRef source, StringRef folder) {
  for (StringRef name : kOtherFiles) {
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

json sherry::describeQuantization(const QuantizationConfig &quantization) {
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
  if (!files.gguf)
    return copyModelFiles(source, folder);
  if (Error error = writeGenerationConfig(files.config, folder))
    return error;
  return writeTokenizer(files, folder);
}
