//===- sherry-tokenize.cpp - Text to tokens and back ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "sherry-abi/limits.h"
#include "sherry/Import/ModelFiles.h"
#include "sherry/Support/ToolProcess.h"
#include "sherry/engine/Tokens.h"
#include "sherry/owners.h"
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

/// Modes of a run.
enum Mode : unsigned { Encode = 1, Decode = 2 };

/// A tokenizer, of files or of a compiled model.
class Source {
public:
  virtual ~Source() = default;
  virtual std::vector<int32_t> encode(const std::string &text,
                                      const Options &options) const = 0;
  virtual std::string_view bytes(int32_t token) const = 0;
  /// The bytes of tokens that are not special.
  virtual std::string join(const std::vector<int32_t> &tokens) const = 0;
  /// Whether encode() puts a space in front of a text.
  virtual bool prefixesSpace() const = 0;
};

class FileSource : public Source {
public:
  explicit FileSource(Tokenizer tokenizer) : tokenizer(std::move(tokenizer)) {}

  std::vector<int32_t> encode(const std::string &text,
                              const Options &options) const override {
    return tokenizer.encode(text, options.bos, options.special);
  }
  std::string_view bytes(int32_t token) const override {
    return tokenizer.bytes(token);
  }
  std::string join(const std::vector<int32_t> &tokens) const override {
    std::string text;
    for (int32_t token : tokens)
      if (!tokenizer.isSpecial(token))
        text += tokenizer.bytes(token);
    return text;
  }
  bool prefixesSpace() const override { return tokenizer.prefixesSpace(); }

private:
  Tokenizer tokenizer;
};

class ModelSource : public Source {
public:
  explicit ModelSource(const std::string &path)
      : model(check(sherry_model_open(path.c_str(), SHERRY_WEIGHTS_MAPPED))) {}

  std::vector<int32_t> encode(const std::string &text,
                              const Options &options) const override {
    return engine::tokenize(
        model.get(), text,
        (options.bos ? SHERRY_TOKENIZE_BOS : 0) |
            (options.special ? SHERRY_TOKENIZE_SPECIAL : 0));
  }
  std::string_view bytes(int32_t token) const override {
    size_t size;
    const char *bytes = check(sherry_token_bytes(model.get(), token, &size));
    return {bytes, size};
  }
  std::string join(const std::vector<int32_t> &tokens) const override {
    const TextStream stream(check(sherry_text_stream_create(model.get())));
    std::string text;
    size_t size;
    for (int32_t token : tokens) {
      const char *part =
          check(sherry_text_stream_push(stream.get(), token, &size));
      text.append(part, size);
    }
    const char *rest = sherry_text_stream_finish(stream.get(), &size);
    return text.append(rest, size);
  }
  bool prefixesSpace() const override {
    const auto tokens = engine::tokenize(model.get(), "a", 0);
    return !tokens.empty() && bytes(tokens[0]).substr(0, 1) == " ";
  }

private:
  Model model;
};

} // namespace

/// A GGUF file itself has the BOS token; for a folder it is in config.json.
static std::optional<int64_t> findBosToken(const TokenizerFile &file,
                                           const std::string &path) {
  if (file.bosToken || !llvm::sys::fs::exists(path + "/config.json"))
    return file.bosToken;
  auto config = ModelConfig::load(path);
  if (!config)
    throw std::runtime_error(llvm::toString(config.takeError()));
  return config->bosTokenId;
}

static std::unique_ptr<Source> openSource(const Options &options) {
  const std::string &path = options.model;
  if (llvm::StringRef(path).ends_with(".so"))
    return std::make_unique<ModelSource>(path);
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
  return std::make_unique<FileSource>(Tokenizer(
      std::string_view(json.data(), json.size()), maxVocabSize, bos, addBos));
}

/// Prints a token per line: its id and its bytes, with unprintable ones
/// escaped.
static void printPieces(const Source &source,
                        const std::vector<int32_t> &tokens) {
  for (int32_t token : tokens) {
    std::cout << token << "\t\"";
    for (char c : source.bytes(token)) {
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

static std::string decode(const Source &source,
                          const std::vector<int32_t> &tokens) {
  std::string text = source.join(tokens);
  if (!text.empty() && text[0] == ' ' && source.prefixesSpace())
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
                               " of the input does not begin a token id");
    ids.push_back(static_cast<int32_t>(id));
    at = end;
  }
}

static void run(const Options &options) {
  const std::unique_ptr<Source> source = openSource(options);
  std::string text = options.hasText ? options.text : readText(options.file);
  if (options.decodes) {
    std::cout << decode(*source, parseIds(text));
  } else {
    auto tokens = source->encode(text, options);
    if (options.pieces) {
      printPieces(*source, tokens);
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
      input->add_option("-p,--prompt", options.text, "Use this text");
  input->add_option("-f,--file", options.file,
                    "Use the text of this file; - is standard input");
  CLI::App *output = app.add_option_group("Output");
  output->require_option(0, 1);
  output->add_flag("--ids", "Print token ids, separated by commas (default)");
  output->add_flag("--pieces", options.pieces,
                   "Print a token per line, with its text");
  output->add_flag("--decode", options.decodes,
                   "Take the input as token ids and print their text");
  app.add_flag("!--no-bos", options.bos,
               "Do not add the BOS token of the tokenizer");
  app.add_flag("--special,!--no-special", options.special,
               "Read names of special tokens as these tokens (default), or as "
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
