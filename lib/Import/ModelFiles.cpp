//===- ModelFiles.cpp - A model in its files ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ModelFiles.h"
#include "sherry/Import/GgufConfig.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"
#include "sherry/support/Error.h"
#include "sherry/text/Tokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;

/// Adds a tokenizer to `files`. Fails if the runtime could not open a model
/// with it; the error then ends with `remedy`.
static Error takeTokenizer(TokenizerFile tokenizer, StringRef remedy,
                           ModelFiles &files) {
  files.tokenizer = std::move(tokenizer);
  append_range(files.notes, files.tokenizer.notes);
  if (!files.tokenizer.json)
    return Error::success();
  StringRef text = files.tokenizer.json->getBuffer();
  StringRef path = files.tokenizer.json->getBufferIdentifier();
  std::optional<int64_t> &bosToken = files.config.bosTokenId;
  if (auto named = files.tokenizer.bosToken; named && files.tokenizer.addBos &&
                                             *named >= 0 &&
                                             *named < files.config.vocabSize)
    bosToken = named;
  std::optional<int32_t> bos;
  if (bosToken)
    bos = static_cast<int32_t>(*bosToken);
  try {
    runtime::Tokenizer checked(std::string_view(text.data(), text.size()),
                               static_cast<uint32_t>(files.config.vocabSize),
                               bos, files.tokenizer.addBos);
    // The first token of texts is BOS, whatever config.json says.
    if (auto first = checked.firstToken())
      bosToken = *first;
    std::string dropped = checked.droppedBytes();
    if (!dropped.empty())
      files.notes.push_back((path + ": has no token for " +
                             Twine(dropped.size()) + " bytes, such as 0x" +
                             toHex(dropped.substr(0, 1), /*LowerCase=*/true) +
                             ", and no unk_token; they are dropped from texts")
                                .str());
  } catch (const runtime::Error &error) {
    return makeError(path + ": " + error.what() +
                     "; the runtime cannot use this tokenizer, " + remedy);
  }
  return Error::success();
}

static Expected<ModelFiles> openGguf(StringRef path,
                                     const OpenOptions &options) {
  ModelFiles files;
  auto model = GgufModel::open(path, options.stqScale);
  if (!model)
    return model.takeError();
  auto translated = translateConfig(*model);
  if (!translated)
    return translated.takeError();
  auto config = ModelConfig::parse(path, *translated);
  if (!config)
    return config.takeError();
  files.config = std::move(*config);
  // Texts of the file may not be UTF-8.
  files.configJson = translated->fields.dump(
      1, ' ', false, nlohmann::json::error_handler_t::replace);
  files.notes = std::move(translated->notes);
  files.notes.insert(files.notes.end(), files.config.notes.begin(),
                     files.config.notes.end());
  if (options.tokenizer) {
    auto tokenizer =
        TokenizerFile::load(model->first(), files.config.vocabSize);
    if (!tokenizer)
      return tokenizer.takeError();
    // That texts begin with BOS may only be the default of a kind of tokenizer.
    if (tokenizer->addBos && !files.config.bosTokenId &&
        !model->first().find("tokenizer.ggml.add_bos_token")) {
      tokenizer->addBos = false;
      files.notes.push_back((path + ": texts begin without BOS, because the "
                                    "file names no BOS token")
                                .str());
    }
    if (Error error = takeTokenizer(std::move(*tokenizer),
                                    "convert the model anew", files))
      return error;
  }
  if (options.weights) {
    files.gguf = &model->first();
    if (options.stqScale == StqScale::Auto && model->stqScale == StqScale::I16)
      files.notes.push_back(
          (path +
           ": the scales of STQ1_0 are read as 16-bit integers, as most "
           "are too small for f16" +
           findRemedy(options.remedies, Problem::IntegerStqScales))
              .str());
    auto checkpoint = Checkpoint::create(std::move(*model), files.config);
    if (!checkpoint)
      return checkpoint.takeError();
    files.checkpoint.emplace(std::move(*checkpoint));
  }
  return files;
}

static Expected<ModelFiles> openFolder(StringRef path,
                                       const OpenOptions &options) {
  ModelFiles files;
  auto config = ModelConfig::load(path);
  if (!config)
    return config.takeError();
  files.config = std::move(*config);
  files.notes = files.config.notes;
  if (options.tokenizer) {
    auto tokenizer = TokenizerFile::load(path, files.config.vocabSize);
    if (!tokenizer)
      return tokenizer.takeError();
    if (Error error = takeTokenizer(std::move(*tokenizer), "correct it", files))
      return error;
  }
  if (options.stqScale != StqScale::Auto)
    return makeError(Problem::UnusedStqScale,
                     path + ": no tensor is of type STQ1_0");
  if (options.weights) {
    auto checkpoint = Checkpoint::open(path);
    if (!checkpoint)
      return checkpoint.takeError();
    if (Error error = checkpoint->readAsBitNet(files.config))
      return error;
    files.checkpoint.emplace(std::move(*checkpoint));
  }
  return files;
}

Expected<ModelFiles> ModelFiles::open(StringRef path,
                                      const OpenOptions &options) {
  return sys::fs::is_regular_file(path) ? openGguf(path, options)
                                        : openFolder(path, options);
}

Expected<TokenizerFile> sherry::openTokenizer(StringRef path) {
  // Ids must only be so small that the runtime can keep a list of them.
  auto load = [&]() -> Expected<TokenizerFile> {
    if (!sys::fs::is_regular_file(path)) {
      int64_t vocabSize = kMaxSize;
      if (sys::fs::exists(joinPath(path, "config.json"))) {
        auto config = ModelConfig::load(path);
        if (config)
          vocabSize = config->vocabSize;
        else
          consumeError(config.takeError());
      }
      return TokenizerFile::load(path, vocabSize);
    }
    auto file = GgufFile::open(path);
    if (!file)
      return file.takeError();
    return TokenizerFile::load(**file, kMaxSize);
  };
  auto tokenizer = load();
  if (tokenizer && !tokenizer->json)
    return makeError(tokenizer->notes.empty()
                         ? (path + ": has no tokenizer").str()
                         : tokenizer->notes.front());
  return tokenizer;
}
