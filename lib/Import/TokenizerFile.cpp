//===- TokenizerFile.cpp - The tokenizer of a checkpoint ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TokenizerFile.h"
#include "BpeFiles.h"
#include "SentencePiece.h"
#include "UnusedTokens.h"
#include "sherry-abi/limits.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxTokenizerBytes = SHERRY_ABI_MAX_TOKENIZER;
static constexpr uint64_t kMaxTemplateBytes = 1 << 24;

/// Whether a post-processor, or one of a sequence of them, has a template for
/// one text that begins with a special token.
static bool startsWithSpecialToken(const json &processor) {
  const json *steps = member(processor, "processors");
  if (steps && steps->is_array())
    return std::any_of(steps->begin(), steps->end(), startsWithSpecialToken);
  const json *single = member(processor, "single");
  return single && single->is_array() && !single->empty() &&
         member(single->front(), "SpecialToken");
}

static Expected<bool> checkObject(const json &object, StringRef file,
                                  int64_t vocabSize) {
  auto checkId = [&](StringRef token, const json *id) -> Error {
    if (id && id->is_number_unsigned() &&
        id->get<uint64_t>() < static_cast<uint64_t>(vocabSize))
      return Error::success();
    return makeError(
        file + ": the token " + quote(token) + " has the id " +
        (id ? id->dump(-1, ' ', true, json::error_handler_t::replace)
            : "null") +
        "; ids are below vocab_size of the model, which is " +
        Twine(vocabSize) + "; take the tokenizer that belongs to it");
  };

  const json *model = member(object, "model");
  const json *vocab = model ? member(*model, "vocab") : nullptr;
  const json *type = model ? member(*model, "type") : nullptr;
  // The pieces of a list have the ids 0, 1, 2 and so on.
  if (vocab && vocab->is_array() && type && *type == "SentencePieceBPE") {
    if (vocab->size() > static_cast<size_t>(vocabSize))
      return makeError(file + ": has " + Twine(vocab->size()) +
                       " tokens, more than the " + Twine(vocabSize) +
                       " of the model; take the one that belongs to it");
    StringSet<> pieces;
    for (const json &piece : *vocab)
      if (piece.is_array() && !piece.empty() && piece[0].is_string() &&
          !pieces.insert(piece[0].get_ref<const std::string &>()).second)
        return makeError(file + ": has the piece " +
                         quote(piece[0].get_ref<const std::string &>()) +
                         " twice; the file is damaged, export it again");
  } else if (!vocab || !vocab->is_object())
    return makeError(file + ": field \"model.vocab\" must be an object that "
                            "maps tokens to ids, as BPE tokenizers have it; "
                            "remove the file to compile without a tokenizer");
  else
    for (const auto &[token, id] : vocab->items())
      if (Error error = checkId(token, &id))
        return error;

  const json *added = member(object, "added_tokens");
  if (added && !added->is_array())
    return makeError(file + ": field \"added_tokens\" must be a list");
  for (const json &token : added ? *added : json::array()) {
    const json *content = member(token, "content");
    const auto *name =
        content ? content->get_ptr<const std::string *>() : nullptr;
    if (Error error = checkId(name ? *name : "", member(token, "id")))
      return error;
  }

  const json *processor = member(object, "post_processor");
  return processor && startsWithSpecialToken(*processor);
}

Expected<bool> sherry::checkTokenizer(MemoryBufferRef text, int64_t vocabSize) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  return checkObject(*object, file, vocabSize);
}

/// The template named "default", or else the only template that is not for
/// calls of tools or for documents.
static std::string chooseTemplate(const json &field) {
  if (field.is_string())
    return field.get<std::string>();
  std::vector<std::string> others;
  for (const json &entry : field.is_array() ? field : json::array()) {
    const json *name = member(entry, "name");
    const json *text = member(entry, "template");
    if (!name || !text || !text->is_string())
      continue;
    if (*name == "default")
      return text->get<std::string>();
    if (*name != "tool_use" && *name != "rag")
      others.push_back(text->get<std::string>());
  }
  return others.size() == 1 ? others.front() : "";
}

/// Applies the texts of special tokens: strings, or objects with the text as
/// content. Texts that are known already stay.
static void applySpecialTokens(const json &object, TokenizerFile &tokenizer) {
  for (const char *key : {"bos_token", "eos_token"}) {
    const auto field = object.find(key);
    if (field == object.end())
      continue;
    auto &name = tokenizer.specialTokens[key];
    const json *content = member(*field, "content");
    const json &text = content ? *content : *field;
    if (text.is_string())
      name = text.get<std::string>();
  }
}

static Error applyConfig(const json &object, StringRef file,
                         TokenizerFile &tokenizer) {
  std::string error;
  FieldReader reader(file, object, error);
  tokenizer.addBos = reader.getBool("add_bos_token", tokenizer.addBos);
  if (const json *field = reader.find("chat_template"))
    tokenizer.chatTemplate = chooseTemplate(*field);
  applySpecialTokens(object, tokenizer);
  return reader.failed() ? makeError(error) : Error::success();
}

Error sherry::applyTokenizerConfig(MemoryBufferRef text,
                                   TokenizerFile &tokenizer) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  return object ? applyConfig(*object, file, tokenizer) : object.takeError();
}

/// Keeps a tokenizer.json that was made from another file.
static Error setTokenizer(TokenizerFile &tokenizer, json root, StringRef file,
                          int64_t vocabSize) {
  leaveOutTokens(root, vocabSize, file, tokenizer.notes);
  tokenizer.json = MemoryBuffer::getMemBufferCopy(
      root.dump(-1, ' ', false, json::error_handler_t::replace), file);
  return checkObject(root, file, vocabSize).takeError();
}

/// The id of a token by its name; nothing if there is none.
static std::optional<int64_t> findTokenId(const json &root, StringRef name) {
  const json *added = member(root, "added_tokens");
  for (const json &token : added ? *added : json::array())
    if (const json *content = member(token, "content");
        content && *content == name.str())
      return token["id"].get<int64_t>(); // checked when it was loaded
  const json *model = member(root, "model");
  const json *vocab = model ? member(*model, "vocab") : nullptr;
  const json *id = vocab ? member(*vocab, name) : nullptr;
  return id ? std::optional(id->get<int64_t>()) : std::nullopt;
}

/// Finds the BOS token of tokenizer_config.json, if no template of the
/// tokenizer names one.
static Error findBosToken(const json &config, TokenizerFile &tokenizer) {
  const json *field = member(config, "bos_token");
  const json *inner = field ? member(*field, "content") : nullptr;
  const json *name = inner ? inner : field;
  if (!tokenizer.addBos || !name || !name->is_string())
    return Error::success();
  auto root = parseJsonObject(tokenizer.json->getBuffer(),
                              tokenizer.json->getBufferIdentifier());
  if (!root)
    return root.takeError();
  tokenizer.bosToken = findTokenId(*root, name->get<std::string>());
  return Error::success();
}

/// Tokens that tokenizer_config.json adds to a tokenizer.model.
static json readAddedTokens(const json &config, size_t numPieces) {
  json added = json::array();
  const json *tokens = member(config, "added_tokens_decoder");
  if (!tokens || !tokens->is_object())
    return added;
  for (const auto &[key, token] : tokens->items()) {
    uint64_t id;
    const json *content = member(token, "content");
    const json *special = member(token, "special");
    if (!StringRef(key).getAsInteger(10, id) && id >= numPieces && content &&
        content->is_string())
      added.push_back({{"id", id},
                       {"content", *content},
                       {"special", special && *special == true}});
  }
  return added;
}

static Expected<TokenizerFile> loadSentencePiece(StringRef directory,
                                                 int64_t vocabSize) {
  TokenizerFile result;
  std::string path = joinPath(directory, "tokenizer.model");
  auto file = readFile(path, kMaxTokenizerBytes);
  if (!file)
    return file.takeError();
  auto tokenizer = readSentencePiece((*file)->getMemBufferRef());
  if (!tokenizer)
    return tokenizer.takeError();
  std::string configPath = joinPath(directory, "tokenizer_config.json");
  if (sys::fs::exists(configPath)) {
    auto config = readJsonObject(configPath);
    if (!config)
      return config.takeError();
    json &model = (*tokenizer)["model"];
    (*tokenizer)["added_tokens"] =
        readAddedTokens(*config, model["vocab"].size());
    std::string error;
    FieldReader reader(configPath, *config, error);
    // As in the LlamaTokenizer of transformers. If it is not legacy, only the
    // whole text gets a space in front, not each text between special tokens.
    if (!reader.getBool("add_prefix_space", true)) {
      model["add_dummy_prefix"] = false;
    } else if (!reader.getBool("legacy", true)) {
      model["add_dummy_prefix"] = true;
      model["prefix_first_only"] = true;
    }
    if (!error.empty())
      return makeError(error);
  }
  result.addBos = true;
  if (Error error =
          setTokenizer(result, std::move(*tokenizer), path, vocabSize))
    return error;
  return result;
}

static Expected<TokenizerFile> loadTokenizerJson(StringRef path,
                                                 int64_t vocabSize) {
  TokenizerFile result;
  auto text = readFile(path, kMaxTokenizerBytes);
  if (!text)
    return text.takeError();
  auto root = parseJsonObject((*text)->getBuffer(), path);
  if (!root)
    return root.takeError();
  if (leaveOutTokens(*root, vocabSize, path, result.notes))
    *text = MemoryBuffer::getMemBufferCopy(root->dump(), path);
  auto startsWithBos = checkObject(*root, path, vocabSize);
  if (!startsWithBos)
    return startsWithBos.takeError();
  result.json = std::move(*text);
  result.addBos = *startsWithBos;
  return result;
}

static Expected<TokenizerFile> loadBpeFiles(StringRef directory,
                                            int64_t vocabSize) {
  TokenizerFile result;
  auto root = readBpeFiles(directory);
  if (!root)
    return root.takeError();
  if (root->is_null()) {
    result.notes.push_back(
        (directory + ": vocab.json and merges.txt do not say how to cut text "
                     "into words; the model has no tokenizer. Save a "
                     "tokenizer.json with Hugging Face transformers, or name a "
                     "tokenizer_class of GPT-2 or Qwen2 in "
                     "tokenizer_config.json")
            .str());
    return result;
  }
  if (Error error = setTokenizer(result, std::move(*root),
                                 joinPath(directory, "vocab.json"), vocabSize))
    return error;
  return result;
}

Expected<TokenizerFile> TokenizerFile::load(StringRef directory,
                                            int64_t vocabSize) {
  std::string path = joinPath(directory, "tokenizer.json");
  auto load = [&]() -> Expected<TokenizerFile> {
    if (sys::fs::exists(path))
      return loadTokenizerJson(path, vocabSize);
    if (sys::fs::exists(joinPath(directory, "tokenizer.model")))
      return loadSentencePiece(directory, vocabSize);
    if (hasBpeFiles(directory))
      return loadBpeFiles(directory, vocabSize);
    return TokenizerFile();
  };
  auto result = load();
  if (!result)
    return result.takeError();
  if (!result->json)
    return result;
  std::string mapPath = joinPath(directory, "special_tokens_map.json");
  if (sys::fs::exists(mapPath)) {
    auto map = readJsonObject(mapPath);
    if (!map)
      return map.takeError();
    applySpecialTokens(*map, *result);
  }
  std::string configPath = joinPath(directory, "tokenizer_config.json");
  if (sys::fs::exists(configPath)) {
    auto config = readJsonObject(configPath);
    if (!config)
      return config.takeError();
    if (Error error = applyConfig(*config, configPath, *result))
      return error;
    if (Error error = findBosToken(*config, *result))
      return error;
  }
  std::string templatePath = joinPath(directory, "chat_template.jinja");
  if (sys::fs::exists(templatePath)) {
    auto text = readFile(templatePath, kMaxTemplateBytes);
    if (!text)
      return text.takeError();
    result->chatTemplate = (*text)->getBuffer().str();
  }
  return result;
}

Expected<TokenizerFile> TokenizerFile::load(const GgufFile &file,
                                            int64_t vocabSize) {
  TokenizerFile result;
  auto text = makeTokenizerJson(file);
  if (!text)
    return text.takeError();
  if (text->empty())
    return result;
  // This JSON was made here, so it is valid.
  if (Error error =
          setTokenizer(result, json::parse(*text), file.getPath(), vocabSize))
    return error;
  auto addsBos = addsBosToken(file);
  if (!addsBos)
    return addsBos.takeError();
  result.addBos = *addsBos;
  result.chatTemplate = getChatTemplate(file);
  result.bosToken = getTokenId(file, "bos");
  return result;
}
