//===- TokenizerFile.cpp - The tokenizer of a checkpoint ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TokenizerFile.h"
#include "Json.h"

#include "llvm/Support/FileSystem.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxTokenizerBytes = 1 << 26;
static constexpr uint64_t kMaxConfigBytes = 1 << 24;

static const json *member(const json &object, const char *name) {
  auto it = object.find(name); // end() if it is no object
  return it == object.end() ? nullptr : &*it;
}

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
  if (!vocab || !vocab->is_object())
    return makeError(file + ": field \"model.vocab\" must be an object that "
                            "maps tokens to ids, as BPE tokenizers have it; "
                            "remove the file to compile without a tokenizer");
  for (const auto &[token, id] : vocab->items())
    if (Error error = checkId(token, &id))
      return error;

  const json *added = member(*object, "added_tokens");
  if (added && !added->is_array() && !added->is_null())
    return makeError(file + ": field \"added_tokens\" must be a list");
  for (const json &token :
       added && added->is_array() ? *added : json::array()) {
    const json *content = member(token, "content");
    const auto *name =
        content ? content->get_ptr<const std::string *>() : nullptr;
    if (Error error = checkId(name ? *name : "", member(token, "id")))
      return error;
  }

  const json *processor = member(*object, "post_processor");
  return processor && startsWithSpecialToken(*processor);
}

Expected<std::optional<bool>> sherry::readAddBos(MemoryBufferRef text) {
  StringRef file = text.getBufferIdentifier();
  auto object = parseJsonObject(text.getBuffer(), file);
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(file, *object, error);
  std::optional<bool> addBos;
  if (reader.find("add_bos_token"))
    addBos = reader.getBool("add_bos_token", false);
  if (reader.failed())
    return makeError(error);
  return addBos;
}

Expected<TokenizerFile> TokenizerFile::load(StringRef directory,
                                            int64_t vocabSize) {
  TokenizerFile result;
  std::string path = joinPath(directory, "tokenizer.json");
  if (!sys::fs::exists(path))
    return result;
  auto text = readFile(path, kMaxTokenizerBytes);
  if (!text)
    return text.takeError();
  auto startsWithBos = checkTokenizer((*text)->getMemBufferRef(), vocabSize);
  if (!startsWithBos)
    return startsWithBos.takeError();
  result.json = std::move(*text);
  result.addBos = *startsWithBos;

  std::string configPath = joinPath(directory, "tokenizer_config.json");
  if (!sys::fs::exists(configPath))
    return result;
  auto config = readFile(configPath, kMaxConfigBytes);
  if (!config)
    return config.takeError();
  auto addBos = readAddBos((*config)->getMemBufferRef());
  if (!addBos)
    return addBos.takeError();
  result.addBos = addBos->value_or(result.addBos);
  return result;
}
