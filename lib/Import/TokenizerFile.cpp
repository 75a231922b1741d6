//===- TokenizerFile.cpp - The tokenizer of a checkpoint ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TokenizerFile.h"
#include "SentencePiece.h"
#include "sherry/Import/GgufConfig.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxTokenizerBytes = 1 << 26;
static constexpr uint64_t kMaxConfigBytes = 1 << 24;

/// A post processor, or one of a sequence of them, whose template for one text
/// begins with a special token.
static bool startsWithSpecialToken(const json &processor) {
  const json *steps = member(processor, "processors");
  if (steps && steps->is_array())
    return std::any_of(steps->begin(), steps->end(), startsWithSpecialToken);
  const json *single = member(processor, "single");
  return single && single->is_array() && !single->empty() &&
         member(single->front(), "SpecialToken");
}

Expected<bool> sherry::checkTokenizer(MemoryBufferRef text, int64_t vocabSize) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  auto checkId = [&](StringRef token, const json *id) -> Error {
    if (id && id->is_number_unsigned() &&
        id->get<uint64_t>() < static_cast<uint64_t>(vocabSize))
      return Error::success();
    return makeError(
        file + ": the token " + quote(token) + " has the id " +
        (id ? id->dump(-1, ' ', true, json::error_handler_t::replace)
            : "null") +
        "; ids are below vocab_size in config.json, which is " +
        Twine(vocabSize) +
        "; take the tokenizer.json that belongs to the model");
  };

  const json *model = member(*object, "model");
  const json *vocab = model ? member(*model, "vocab") : nullptr;
  const json *type = model ? member(*model, "type") : nullptr;
  // A list has the ids 0, 1, 2 and so on.
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

  const json *added = member(*object, "added_tokens");
  if (added && !added->is_array())
    return makeError(file + ": field \"added_tokens\" must be a list");
  for (const json &token : added ? *added : json::array()) {
    const json *content = member(token, "content");
    const auto *name =
        content ? content->get_ptr<const std::string *>() : nullptr;
    if (Error error = checkId(name ? *name : "", member(token, "id")))
      return error;
  }

  const json *processor = member(*object, "post_processor");
  return processor && startsWithSpecialToken(*processor);
}

/// The template that is named "default", or else the only one that is not for
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

/// Takes over names of special tokens: texts, or objects with the text as
/// content. A name replaces none.
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

Error sherry::applyTokenizerConfig(MemoryBufferRef text,
                                   TokenizerFile &tokenizer) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(file, *object, error);
  tokenizer.addBos = reader.getBool("add_bos_token", tokenizer.addBos);
  if (const json *field = reader.find("chat_template"))
    tokenizer.chatTemplate = chooseTemplate(*field);
  applySpecialTokens(*object, tokenizer);
  return reader.failed() ? makeError(error) : Error::success();
}

/// Keeps the text of a tokenizer.json that was made from another file.
static Error setText(TokenizerFile &tokenizer, const std::string &text,
                     StringRef file, int64_t vocabSize) {
  tokenizer.json = MemoryBuffer::getMemBufferCopy(text, file);
  return checkTokenizer(tokenizer.json->getMemBufferRef(), vocabSize)
      .takeError();
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
    (*tokenizer)["added_tokens"] =
        readAddedTokens(*config, (*tokenizer)["model"]["vocab"].size());
  }
  result.addBos = true;
  if (Error error = setText(
          result,
          tokenizer->dump(-1, ' ', false, json::error_handler_t::replace), path,
          vocabSize))
    return error;
  return result;
}

static Expected<TokenizerFile> loadTokenizerJson(StringRef path,
                                                 int64_t vocabSize) {
  TokenizerFile result;
  auto text = readFile(path, kMaxTokenizerBytes);
  if (!text)
    return text.takeError();
  auto startsWithBos = checkTokenizer((*text)->getMemBufferRef(), vocabSize);
  if (!startsWithBos)
    return startsWithBos.takeError();
  result.json = std::move(*text);
  result.addBos = *startsWithBos;
  return result;
}

Expected<TokenizerFile> TokenizerFile::load(StringRef directory,
                                            int64_t vocabSize) {
  std::string path = joinPath(directory, "tokenizer.json");
  bool hasJson = sys::fs::exists(path);
  if (!hasJson && !sys::fs::exists(joinPath(directory, "tokenizer.model")))
    return TokenizerFile();
  auto result = hasJson ? loadTokenizerJson(path, vocabSize)
                        : loadSentencePiece(directory, vocabSize);
  if (!result)
    return result.takeError();
  std::string mapPath = joinPath(directory, "special_tokens_map.json");
  if (sys::fs::exists(mapPath)) {
    auto map = readJsonObject(mapPath);
    if (!map)
      return map.takeError();
    applySpecialTokens(*map, *result);
  }
  std::string configPath = joinPath(directory, "tokenizer_config.json");
  if (sys::fs::exists(configPath)) {
    auto config = readFile(configPath, kMaxConfigBytes);
    if (!config)
      return config.takeError();
    if (Error error =
            applyTokenizerConfig((*config)->getMemBufferRef(), *result))
      return error;
  }
  std::string templatePath = joinPath(directory, "chat_template.jinja");
  if (sys::fs::exists(templatePath)) {
    auto text = readFile(templatePath, kMaxConfigBytes);
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
  if (Error error = setText(result, *text, file.getPath(), vocabSize))
    return error;
  result.addBos = addsBosToken(file);
  result.chatTemplate = getChatTemplate(file);
  if (const GgufValue *bos = file.find("tokenizer.ggml.bos_token_id"))
    result.bosToken = bos->getInteger();
  return result;
}
