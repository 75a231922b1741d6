//===- sherry-tokenize.cpp - Text to tokens and back ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "Model.h"
#include "sherry-abi/limits.h"
#include "sherry/Import/ModelFiles.h"
#include "sherry/Support/ToolProcess.h"
#include "sherry/support/Files.h"
#include "sherry/text/Tokenizer.h"

#include "llvm/Support/FileSystem.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

using namespace sherry;
using runtime::Tokenizer;

namespace {

struct Options {
  std::string model, text, file;
  bool hasText = false, pieces = false, decodes = false;
  bool bos = true, special = true;
};

/// What a run does.
enum Mode : unsigned { Encode = 1, Decode = 2 };

/// A tokenizer and what owns it.
struct Source {
  std::unique_ptr<runtime::Model> model;
  std::unique_ptr<Tokenizer> own;
  const Tokenizer &get() const { return own ? *own : model->tokenizer(); }
};

} // namespace

/// Of a GGUF file it is there; a folder has it in config.json.
static std::optional<int64_t> findBosToken(const TokenizerFile &file,
                                           const std::string &path) {
  if (file.bosToken || !llvm::sys::fs::exists(path + "/config.json"))
    return file.bosToken;
  auto config = ModelConfig::load(path);
  if (!config)
    throw std::runtime_error(llvm::toString(config.takeError()));
  return config->bosTokenId;
}

static Source openSource(const Options &options) {
  const std::string &path = options.model;
  Source source;
  if (llvm::StringRef(path).ends_with(".so")) {
    source.model =
        std::make_unique<runtime::Model>(path, SHERRY_WEIGHTS_MAPPED);
    return source;
  }
  auto file = openTokenizer(path);
  if (!file)
    throw std::runtime_error(llvm::toString(file.takeError()));
  for (const std::string &note : file->notes)
    std::cerr << "sherry-tokenize: note: " << note << "\n";
  constexpr uint32_t maxVocabSize = SHERRY_ABI_MAX_SIZE;
  const bool addBos = options.bos && file->addBos;
  std::optional<int32_t> bos;
  if (auto id = addBos ? findBosToken(*file, path) : std::nullopt;
      id && *id >= 0 && *id < maxVocabSize)
    bos = static_cast<int32_t>(*id);
  llvm::StringRef json = file->json->getBuffer();
  source.own = std::make_unique<Tokenizer>(
      std::string_view(json.data(), json.size()), maxVocabSize, bos, addBos);
  return source;
}

/// A token per line: its id, and its bytes with what is not printable escaped.
static void printPieces(const Tokenizer &tokenizer,
                        const std::vector<int32_t> &tokens) {
  for (int32_t token : tokens) {
    std::cout << token << "\t\"";
    for (char c : tokenizer.bytes(token)) {
      auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\')
        std::cout << '\\' << c;
      else if (byte >= ' ' && byte != 0x7f)
        std::cout << c;
      else
        std::cout << "\\x"
                  << "0123456789abcdef"[byte >> 4]
                  << "0123456789abcdef"[byte & 15];
    }
    std::cout << "\"\n";
  }
}

static std::string decode(const Tokenizer &tokenizer,
                          const std::vector<int32_t> &tokens) {
  std::string text;
  for (int32_t token : tokens)
    if (!tokenizer.isSpecial(token))
      text += tokenizer.bytes(token);
  if (tokenizer.prefixesSpace() && !text.empty() && text[0] == ' ')
    text.erase(0, 1);
  return text;
}

static std::vector<int32_t> parseIds(const std::string &text) {
  std::vector<int32_t> ids;
  const char *at = text.c_str();
  while (true) {
    at += std::strspn(at, ", \t\r\n");
    if (*at == '\0')
      return ids;
    char *end;
    errno = 0;
    long id = std::strtol(at, &end, 10);
    if (end == at || errno != 0 || id < 0 || id > INT32_MAX)
      throw std::runtime_error("byte " + std::to_string(at - text.c_str()) +
                               " of the input begins no token id");
    ids.push_back(static_cast<int32_t>(id));
    at = end;
  }
}

static void run(const Options &options) {
  const Source source = openSource(options);
  const Tokenizer &tokenizer = source.get();
  std::string text = options.hasText ? options.text : readText(options.file);
  if (options.decodes) {
    std::cout << decode(tokenizer, parseIds(text));
  } else {
    auto tokens = tokenizer.encode(text, options.bos, options.special);
    if (options.pieces) {
      printPieces(tokenizer, tokens);
    } else {
      for (size_t i = 0; i < tokens.size(); ++i)
        std::cout << (i == 0 ? "" : ",") << tokens[i];
      std::cout << "\n";
    }
  }
  if (!std::cout.flush())
    throw std::runtime_error("cannot write to standard output");
}

static const std::vector<OptionUse> optionTable = {{"--no-bos", Encode},
                                                   {"--special", Encode}};

int main(int argc, char **argv) {
  startTool();
  Options options;
  CLI::App app("Turns text into tokens and tokens into text.",
               "sherry-tokenize");
  app.set_version_flag("--version",
                       std::string("sherry-tokenize ") + sherry_version());
  app.add_option(
         "model", options.model,
         "A compiled model (.so), a GGUF file, or a Hugging Face folder")
      ->required();
  CLI::App *input = app.add_option_group("Input");
  input->require_option(1);
  CLI::Option *text =
      input->add_option("-p,--prompt", options.text, "This text");
  input->add_option("-f,--file", options.file,
                    "The contents of this file, - for standard input");
  CLI::App *output = app.add_option_group("Output");
  output->require_option(0, 1);
  output->add_flag("--ids", "Print token ids, separated by commas (default)");
  output->add_flag("--pieces", options.pieces,
                   "Print a token per line, with its text");
  output->add_flag("--decode", options.decodes,
                   "The input is token ids: print the text");
  app.add_flag("!--no-bos", options.bos,
               "Do not begin with the BOS token that the tokenizer adds");
  app.add_flag("--special,!--no-special", options.special,
               "Take names of special tokens as these tokens (default), or as "
               "text");
  if (auto exitCode = parseCommandLine(app, argc, argv, [&] {
        refuseWithoutEffect(app, optionTable, options.decodes ? Decode : Encode,
                            "--decode");
      }))
    return *exitCode;
  options.hasText = text->count() > 0;
  try {
    run(options);
  } catch (const std::exception &error) {
    std::cerr << "sherry-tokenize: error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
