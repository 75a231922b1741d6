//===- sherry-train-tokenizer.cpp - Vocabularies from texts ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/ToolProcess.h"
#include "sherry/Training/TokenizerTrainer.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/WithColor.h"

#include <chrono>

using namespace sherry;
using namespace sherry::training;
using llvm::Error;

namespace {

struct Options {
  std::vector<std::string> texts;
  std::string output;
  TokenizerOptions tokenizer;
  bool quiet = false;
};

/// A line on standard error that is overwritten, if standard error is a
/// terminal.
class ProgressLine {
public:
  explicit ProgressLine(bool quiet)
      : shows(!quiet && llvm::errs().is_displayed()) {}
  ~ProgressLine() { clear(); }

  void show(const llvm::Twine &text) {
    auto now = std::chrono::steady_clock::now();
    if (!shows || now - last < std::chrono::milliseconds(200))
      return;
    last = now;
    llvm::errs() << "\r\x1b[K" << text;
  }

  void clear() {
    if (shows)
      llvm::errs() << "\r\x1b[K";
  }

private:
  bool shows;
  std::chrono::steady_clock::time_point last;
};

} // namespace

static Error addTexts(const Options &options, TokenizerTrainer &trainer,
                      ProgressLine &progress) {
  // Texts are mapped, not read into memory.
  constexpr uint64_t maxTextBytes = uint64_t{1} << 40;
  for (const std::string &path : options.texts) {
    auto text = readFile(path, maxTextBytes);
    if (!text)
      return text.takeError();
    auto onProgress = [&](uint64_t done) {
      progress.show(llvm::formatv("{0}: {1} of {2} MB", path, done / 1000000,
                                  (*text)->getBufferSize() / 1000000));
    };
    if (Error error = trainer.addText((*text)->getBuffer(), onProgress))
      return makeError(path + ": " + llvm::toString(std::move(error)));
  }
  return Error::success();
}

/// The file to write. Makes its folder.
static llvm::Expected<std::string> prepareOutput(const std::string &output) {
  if (output == "-" || llvm::StringRef(output).ends_with(".json"))
    return output;
  if (std::error_code code = llvm::sys::fs::create_directories(output))
    return makeError(output + ": cannot create the folder: " + code.message());
  return joinPath(output, "tokenizer.json");
}

static Error run(const Options &options) {
  auto trainer = TokenizerTrainer::create(options.tokenizer);
  if (!trainer)
    return trainer.takeError();
  ProgressLine progress(options.quiet);
  if (Error error = addTexts(options, *trainer, progress))
    return error;
  size_t size =
      options.tokenizer.vocabSize - options.tokenizer.specialTokens.size();
  auto vocabulary = trainer->train([&](size_t tokens) {
    progress.show(llvm::formatv("{0} of {1} tokens", tokens, size));
  });
  if (!vocabulary)
    return vocabulary.takeError();
  progress.clear();

  auto path = prepareOutput(options.output);
  if (!path)
    return path.takeError();
  if (Error error = checkNotRead(*path))
    return error;
  if (Error error =
          writeFileAtomically(*path, [&](llvm::raw_pwrite_stream &out) {
            return trainer->write(*vocabulary, out);
          }))
    return error;
  if (vocabulary->tokens.size() < size)
    llvm::WithColor::warning(llvm::errs(), "sherry-train-tokenizer")
        << "the vocabulary has only "
        << vocabulary->tokens.size() + options.tokenizer.specialTokens.size()
        << " tokens: no other pair occurs " << options.tokenizer.minFrequency
        << " times; give more text, or a lower --min-frequency\n";
  const BpeTrainer &pieces = trainer->getPieces();
  if (!options.quiet)
    llvm::errs() << llvm::formatv(
        "{0} bytes in {1} tokens, {2:f3} bytes per token; {3} distinct pieces, "
        "{4} merges\n",
        pieces.getBytes(), vocabulary->encodedTokens,
        static_cast<double>(pieces.getBytes()) /
            static_cast<double>(vocabulary->encodedTokens),
        pieces.getDistinctPieces(), vocabulary->merges.size());
  return Error::success();
}

int main(int argc, char **argv) {
  startTool();
  Options options;
  TokenizerOptions &tokenizer = options.tokenizer;
  CLI::App app(
      "Learns a byte-level BPE vocabulary from texts and writes it as the "
      "tokenizer.json of a Hugging Face folder. The same texts and options "
      "give the same file.",
      "sherry-train-tokenizer");
  app.set_version_flag("--version", "sherry-train-tokenizer " SHERRY_VERSION);
  app.add_option("texts", options.texts,
                 "Text files; malformed UTF-8 in them counts as bytes")
      ->required();
  app.add_option("-o,--output", options.output,
                 "Write this file if its name ends in .json, else "
                 "tokenizer.json in this folder; - is standard output")
      ->required();
  addNumber(app, "--vocab-size", tokenizer.vocabSize,
            "Number of tokens, including the 256 bytes and the special tokens")
      ->required();
  app.add_option("--special", tokenizer.specialTokens,
                 "A special token, such as <|end_of_text|>; may be repeated. "
                 "Special tokens have the last ids, in this order. In the "
                 "texts they are never part of other tokens")
      ->allow_extra_args(false);
  app.add_option("--pre-tokenizer", tokenizer.preTokenizer,
                 "How text is cut into pieces, which no token crosses: "
                 "llama-bpe, gpt-2, qwen2 or another value of "
                 "tokenizer.ggml.pre in docs/Tokenizers.md")
      ->capture_default_str();
  addNumber(app, "--min-frequency", tokenizer.minFrequency,
            "Do not merge pairs that occur less often")
      ->capture_default_str();
  app.add_flag("-q,--quiet", options.quiet, "Print no progress and no summary");
  if (auto exitCode = parseCommandLine(app, argc, argv))
    return *exitCode;
  if (Error error = run(options)) {
    llvm::WithColor::error(llvm::errs(), "sherry-train-tokenizer")
        << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
