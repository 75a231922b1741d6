//===- BpeFiles.cpp - Reader of vocab.json and merges.txt -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BpeFiles.h"
#include "sherry/Import/PreTokenizers.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <map>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static constexpr uint64_t kMaxBytes = 1 << 26;

bool sherry::hasBpeFiles(StringRef directory) {
  return sys::fs::exists(joinPath(directory, "vocab.json")) &&
         sys::fs::exists(joinPath(directory, "merges.txt"));
}

/// Reads a JSON file; returns an empty object if the folder has no such file.
static Expected<json> readOptional(StringRef directory, StringRef name) {
  std::string path = joinPath(directory, name);
  return sys::fs::exists(path) ? readJsonObject(path) : json::object();
}

static std::string getText(const json &object, StringRef name) {
  const json *value = member(object, name);
  return value && value->is_string() ? value->get<std::string>() : "";
}

/// The class of Hugging Face transformers, without the suffix "Fast".
static std::string findClass(const json &tokenizer, const json &model) {
  std::string name = getText(tokenizer, "tokenizer_class");
  std::string type = getText(model, "model_type");
  if (name.empty() && (type == "qwen2" || type == "qwen3"))
    return "Qwen2Tokenizer";
  StringRef base = name;
  base.consume_back("Fast");
  return base.str();
}

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

namespace {

/// Collects added tokens by id. If tokens have the same text, the first counts.
class AddedTokens {
public:
  explicit AddedTokens(const json &vocab) : vocab(vocab) {}

  void add(uint64_t id, const std::string &content, bool special,
           const json &flags) {
    if (content.empty() || !known.emplace(content, tokens.size()).second)
      return;
    numBeyond += !vocab.contains(content);
    json token = {{"id", id}, {"content", content}, {"special", special}};
    for (const char *flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      const json *value = member(flags, flag);
      token[flag] = value && *value == true;
    }
    tokens.push_back(std::move(token));
  }
  /// Adds a special token. Without an id of its own, it gets the id of its
  /// text, or else the next id.
  void addNamed(const json *field) {
    const json *inner = field ? member(*field, "content") : nullptr;
    const json *text = inner ? inner : field;
    if (!text || !text->is_string())
      return;
    if (auto it = known.find(*text); it != known.end()) {
      tokens[it->second]["special"] = true;
      return;
    }
    auto it = vocab.find(text->get<std::string>());
    const bool has = it != vocab.end() && it->is_number_unsigned();
    add(has ? it->get<uint64_t>() : vocab.size() + numBeyond, *text,
        /*special=*/true, *field);
  }

  json tokens = json::array();

private:
  const json &vocab;
  std::map<std::string, size_t> known; ///< indices in `tokens`
  uint64_t numBeyond = 0;              ///< tokens that `vocab` does not have
};

} // namespace

static json listAddedTokens(const json &vocab, const json &config,
                            const json &others, const json &named) {
  AddedTokens added(vocab);
  if (const json *tokens = member(config, "added_tokens_decoder");
      tokens && tokens->is_object())
    for (const auto &[key, token] : tokens->items()) {
      uint64_t id;
      const json *special = member(token, "special");
      if (!StringRef(key).getAsInteger(10, id))
        added.add(id, getText(token, "content"), special && *special == true,
                  token);
    }
  for (const auto &[content, id] : others.items())
    if (id.is_number_unsigned())
      added.add(id, content, /*special=*/false, json());
  for (const json *source : {&config, &named}) {
    for (const char *name : {"bos_token", "eos_token", "unk_token", "sep_token",
                             "pad_token", "cls_token", "mask_token"})
      added.addNamed(member(*source, name));
    const json *list = member(*source, "additional_special_tokens");
    for (const json &token : list ? *list : json::array())
      added.addNamed(&token);
  }
  return std::move(added.tokens);
}

//===----------------------------------------------------------------------===//
// The vocabulary
//===----------------------------------------------------------------------===//

static Expected<json> readMerges(StringRef path, const json &vocab) {
  auto text = readFile(path, kMaxBytes);
  if (!text)
    return text.takeError();
  json merges = json::array();
  SmallVector<StringRef> lines;
  (*text)->getBuffer().split(lines, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    StringRef line = lines[i].trim("\r ");
    if (line.empty() || (i == 0 && line.starts_with("#version")))
      continue;
    auto [left, right] = line.split(' ');
    std::string both = (left + right).str();
    for (StringRef token : {left, right, StringRef(both)})
      if (right.empty() || !vocab.contains(token.str()))
        return makeError(path + ": line " + Twine(i + 1) + " is " +
                         quote(line) + ", but " +
                         (right.empty() ? "it must be two tokens"
                                        : "vocab.json has no " + quote(token)) +
                         "; take the files that belong together");
    merges.push_back(line.str());
  }
  return merges;
}

/// The pre_tokenizer of a class; null if the class is not known.
static json makePreTokenizer(StringRef className, const json &config) {
  const bool isQwen = className == "Qwen2Tokenizer";
  if (!isQwen && className != "GPT2Tokenizer")
    return nullptr;
  json steps = json::array();
  if (isQwen)
    for (const std::string &pattern : getPreTokenizer("qwen2").patterns)
      steps.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", pattern}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
  const json *prefix = member(config, "add_prefix_space");
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", prefix && *prefix == true},
                   {"use_regex", !isQwen}});
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

Expected<json> sherry::readBpeFiles(StringRef directory) {
  json files[4];
  const char *names[] = {"tokenizer_config.json", "config.json",
                         "added_tokens.json", "special_tokens_map.json"};
  for (size_t i = 0; i < std::size(names); ++i) {
    auto file = readOptional(directory, names[i]);
    if (!file)
      return file.takeError();
    files[i] = std::move(*file);
  }
  const auto &[config, model, others, named] = files;
  const std::string className = findClass(config, model);
  json steps = makePreTokenizer(className, config);
  if (steps.is_null())
    return json();
  std::string vocabPath = joinPath(directory, "vocab.json");
  auto text = readFile(vocabPath, kMaxBytes);
  if (!text)
    return text.takeError();
  auto vocab = parseJsonObject((*text)->getBuffer(), vocabPath);
  if (!vocab)
    return vocab.takeError();
  auto merges = readMerges(joinPath(directory, "merges.txt"), *vocab);
  if (!merges)
    return merges.takeError();
  json added = listAddedTokens(*vocab, config, others, named);
  return json{{"version", "1.0"},
              {"added_tokens", std::move(added)},
              {"normalizer",
               className == "Qwen2Tokenizer" ? json{{"type", "NFC"}} : json()},
              {"pre_tokenizer", std::move(steps)},
              {"post_processor", nullptr},
              {"decoder", {{"type", "ByteLevel"}}},
              {"model",
               {{"type", "BPE"},
                {"vocab", std::move(*vocab)},
                {"merges", std::move(*merges)}}}};
}
