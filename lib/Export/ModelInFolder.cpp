//===- ModelInFolder.cpp - Describes a model in a Hugging Face folder -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenizerJson.h"
#include "sherry/Export/ModelDescription.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/text/TokenizerConfig.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;
using nlohmann::json;

static Error writeText(StringRef folder, StringRef name, StringRef text) {
  return writeFileAtomically(joinPath(folder, name),
                             [&](raw_pwrite_stream &out) {
                               out << text;
                               return Error::success();
                             });
}

/// Makes a tokenizer.json of Hugging Face from the pieces of SentencePiece,
/// whose `text` the runtime has accepted.
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

/// Writes the parameters that a GGUF file recommends.
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

/// Files of folders besides config.json and the weights.
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
      return makeError(path + ": exists already, and this model has no such "
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
  const format::Codebook &codebook = *quantization.codebook;
  json result = {{"quant_method", "sherry"},
                 {"codebook", codebook.name},
                 {"granularity", getGranularityName(quantization.granularity)},
                 {"modules_to_not_convert", quantization.modulesToNotConvert}};
  if (codebook.kept != 0) {
    result["N"] = codebook.kept;
    result["M"] = codebook.inputs;
  }
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
  // The text was parsed when the model was opened.
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
