//===- TokenizerInGguf.cpp - Describes a tokenizer in a GGUF file ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenizerInGguf.h"
#include "TokenizerJson.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/Support/Problem.h"
#include "sherry/text/ByteLevel.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

namespace {
/// The vocabulary in the form of GGUF files, by id.
struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<float> scores;

  /// Unused ids have the same names as in llama.cpp's converter.
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
  /// Whether a token is found in texts before all other steps.
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
    if (content && content->is_string()) // ids were checked when loaded
      vocabulary.set(token["id"], *content,
                     isTrue(member(token, "special"))
                         ? GgufTokenType::Control
                         : GgufTokenType::UserDefined);
    if (isTrue(member(token, "lstrip")) || isTrue(member(token, "rstrip")))
      notes.insert(
          "that white space belongs to an added token (lstrip, rstrip) "
          "cannot be in GGUF files; it becomes tokens there");
    if (isTrue(member(token, "single_word")))
      notes.insert("that an added token is not part of a word (single_word) "
                   "cannot be in GGUF files; it is found within words there");
  }
}

/// The expression of a Split that keeps the matches and the texts between them.
static const json *getSplitPattern(const json &step) {
  const json *pattern = member(step, "pattern");
  const json *regex = pattern ? member(*pattern, "Regex") : nullptr;
  const json *behavior = member(step, "behavior");
  const json *inverts = member(step, "invert");
  // Our expressions match all texts, so nothing is between matches.
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
      // Steps after ByteLevel see other characters.
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
    patterns.push_back(step.dump()); // not a known expression
  else if (!usesRegex || *usesRegex == true)
    patterns.push_back(runtime::kGpt2Pattern);
}

/// Whether a normalizer, which the runtime has accepted, brings text to NFC.
static bool normalizes(const json *normalizer) {
  const json *steps = normalizer ? member(*normalizer, "normalizers") : nullptr;
  return normalizer &&
         (hasType(*normalizer, "NFC") || (steps && !steps->empty()));
}

/// The name of the rules of a byte-level tokenizer; empty if there is none.
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
    notes.insert("that texts are brought to NFC cannot be in GGUF files of "
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
                       "] is not a pair of tokens");
  }
  std::string name = pre.str();
  if (name.empty())
    name = namePreTokenizer(root, notes);
  if (name.empty())
    return makeError(Problem::UnknownPreTokenizer,
                     file + ": GGUF files name how text is cut into words "
                            "(tokenizer.ggml.pre), and no known name stands "
                            "for this pre_tokenizer");
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

/// Adds the pieces of SentencePiece, with merges in the order of the scores.
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
                   "(prepend_scheme) cannot be in GGUF files; text after an "
                   "added token also gets one there");
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

/// GGUF files have keys for three tokens that end an answer; readers find
/// others by their names.
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
                   " ends answers, and GGUF files name only three such tokens; "
                   "it is left out there");
    else
      free = id;
  }
  if (endOfTurn)
    addTokenId("eot", *endOfTurn, writer);
  if (endOfMessage)
    addTokenId("eom", *endOfMessage, writer);
}

Error sherry::describeTokenizer(const ModelFiles &files, StringRef pre,
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
