//===- ModelFiles.cpp - A model as people have it -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ModelFiles.h"
#include "Support.h"
#include "Tokenizer.h"
#include "sherry/Import/GgufConfig.h"
#include "sherry/Support/Json.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;

/// Fails on a tokenizer with which the runtime would not open the model.
static Error checkInRuntime(const TokenizerFile &tokenizer,
                            const ModelConfig &config) {
  if (!tokenizer.json)
    return Error::success();
  StringRef text = tokenizer.json->getBuffer();
  std::optional<int32_t> bos;
  if (config.bosTokenId)
    bos = static_cast<int32_t>(*config.bosTokenId);
  try {
    runtime::Tokenizer(std::string_view(text.data(), text.size()),
                       static_cast<uint32_t>(config.vocabSize), bos,
                       tokenizer.addBos);
  } catch (const runtime::Error &error) {
    return makeError(tokenizer.json->getBufferIdentifier() + ": " +
                     error.what() +
                     "; the runtime cannot use this tokenizer, correct it");
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
  // Texts of the file may be no UTF-8.
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
    // That texts begin with BOS may be but the default of a kind of tokenizer.
    if (tokenizer->addBos && !files.config.bosTokenId &&
        !model->first().find("tokenizer.ggml.add_bos_token")) {
      tokenizer->addBos = false;
      files.notes.push_back((path + ": texts begin without BOS, as no token of "
                                    "the file is said to be it")
                                .str());
    }
    if (Error error = checkInRuntime(*tokenizer, files.config))
      return error;
    files.tokenizer = std::move(*tokenizer);
  }
  if (options.weights) {
    files.gguf = &model->first();
    if (options.stqScale == StqScale::Auto && model->stqScale == StqScale::I16)
      files.notes.push_back(
          (path + ": the scales of STQ1_0 are read as 16-bit integers, as most "
                  "are too small for f16; --stq-scale=f16 reads them as f16")
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
    if (Error error = checkInRuntime(*tokenizer, files.config))
      return error;
    files.tokenizer = std::move(*tokenizer);
  }
  if (options.stqScale != StqScale::Auto)
    return makeError(path + ": --stq-scale has no effect, no tensor is of type "
                            "STQ1_0; leave it out");
  if (options.weights) {
    auto checkpoint = Checkpoint::open(path);
    if (!checkpoint)
      return checkpoint.takeError();
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
  // Ids have only to be such that the runtime can keep a list of them.
  auto load = [&]() -> Expected<TokenizerFile> {
    if (!sys::fs::is_regular_file(path))
      return TokenizerFile::load(path, kMaxSize);
    auto file = GgufFile::open(path);
    if (!file)
      return file.takeError();
    return TokenizerFile::load(**file, kMaxSize);
  };
  auto tokenizer = load();
  if (tokenizer && !tokenizer->json)
    return makeError(path + ": has no tokenizer");
  return tokenizer;
}
