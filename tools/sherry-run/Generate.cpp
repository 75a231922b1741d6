//===- Generate.cpp - Continues a prompt ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Npy.h"
#include "Session.h"

#include <algorithm>
#include <cstdio>
#include <optional>

using namespace sherry;
using namespace sherry::run;

namespace {

/// Prints tokens, as text or as ids.
class TokenPrinter {
public:
  TokenPrinter(const sherry_model *model, const Options &options)
      : stops(options.stops) {
    if (!options.printTokens)
      stream.reset(check(sherry_text_stream_create(model)));
  }
  /// Prints a token of the prompt.
  void printPrompt(int32_t token) {
    if (!stream)
      return printId(token);
    size_t size;
    const char *text =
        check(sherry_text_stream_push(stream.get(), token, &size));
    print({text, size});
  }
  /// Prints a token of the answer, but for what may be the beginning of a text
  /// that ends it. Returns false if such a text is there.
  bool printToken(int32_t token) {
    if (!stream) {
      printId(token);
      return true;
    }
    size_t size;
    const char *text =
        check(sherry_text_stream_push(stream.get(), token, &size));
    held.append(text, size);
    size_t stop = std::string::npos, safe = held.size();
    for (const std::string &candidate : stops) {
      stop = std::min(stop, held.find(candidate));
      for (size_t tail = std::min(candidate.size(), held.size()); tail > 0;
           --tail)
        if (held.compare(held.size() - tail, tail, candidate, 0, tail) == 0) {
          safe = std::min(safe, held.size() - tail);
          break;
        }
    }
    const bool isStopped = stop != std::string::npos;
    print(std::string_view(held).substr(0, isStopped ? stop : safe));
    held.erase(0, isStopped ? held.size() : safe);
    return !isStopped;
  }
  void finish() {
    print(held);
    if (stream) {
      size_t size;
      const char *text = sherry_text_stream_finish(stream.get(), &size);
      print({text, size});
    }
    print("\n");
  }

private:
  void printId(int32_t token) {
    print((isFirst ? "" : ",") + std::to_string(token));
    isFirst = false;
  }

  TextStream stream; ///< null: ids
  const std::vector<std::string> &stops;
  std::string held;
  bool isFirst = true;
};

/// Tokens evaluated in a time.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  double perSecond() const { return seconds > 0 ? tokens / seconds : 0; }
};

class Generator {
public:
  Generator(const sherry_model *model, const Options &options);
  void run();
  void printStatistics(double loadSeconds) const;

private:
  void prefill();
  void decode();

  const sherry_model *model;
  const Options &options;
  std::vector<int32_t> prompt;
  Context context;
  Sampler sampler;
  TokenPrinter printer;
  Speed prefillSpeed, decodeSpeed;
};

} // namespace

static std::vector<int32_t> makePrompt(const sherry_model *model,
                                       const Options &options) {
  std::vector<int32_t> tokens = options.tokens;
  if (tokens.empty()) {
    unsigned flags = (options.bos ? SHERRY_TOKENIZE_BOS : 0) |
                     (options.special ? SHERRY_TOKENIZE_SPECIAL : 0);
    tokens = tokenize(
        model, options.prompt ? *options.prompt : readText(*options.promptFile),
        flags);
  }
  // A model continues at least one token.
  if (tokens.empty() && options.bos && sherry_model_bos_token(model) >= 0)
    tokens.push_back(sherry_model_bos_token(model));
  if (tokens.empty())
    throw std::runtime_error("the prompt is empty; give some text");
  return tokens;
}

Generator::Generator(const sherry_model *model, const Options &options)
    : model(model), options(options), prompt(makePrompt(model, options)),
      context(check(sherry_context_create(model, &options.context))),
      sampler(check(sherry_sampler_create(&options.sampling))),
      printer(model, options) {
  const uint32_t capacity = sherry_context_size(context.get());
  if (prompt.size() > capacity)
    throw std::runtime_error(
        "the prompt has " + std::to_string(prompt.size()) +
        " tokens, the context " + std::to_string(capacity) +
        " positions; use a shorter prompt or a larger --ctx (the model "
        "allows " +
        std::to_string(sherry_model_max_context(model)) + ")");
}

void Generator::prefill() {
  std::optional<NpyWriter> writer;
  if (!options.logitsFile.empty())
    writer.emplace(options.logitsFile, prompt.size(),
                   sherry_model_vocab_size(model));
  // The C interface must not be left by an exception.
  struct Sink {
    NpyWriter *writer;
    std::exception_ptr error;
  } sink = {writer ? &*writer : nullptr, nullptr};
  auto writeLogits = [](void *user, int64_t, const float *logits) {
    auto &sink = *static_cast<Sink *>(user);
    try {
      if (sink.writer && !sink.error)
        sink.writer->writeRow(logits);
    } catch (...) {
      sink.error = std::current_exception();
    }
  };

  Stopwatch stopwatch;
  const size_t block = sherry_context_block(context.get());
  for (size_t done = 0; done < prompt.size() && !interrupted();) {
    const size_t count = std::min(block, prompt.size() - done);
    const bool isLast = done + count == prompt.size();
    const sherry_logits wanted = writer   ? SHERRY_LOGITS_ALL
                                 : isLast ? SHERRY_LOGITS_LAST
                                          : SHERRY_LOGITS_NONE;
    check(sherry_eval(context.get(), prompt.data() + done,
                      static_cast<int64_t>(count), wanted, writeLogits, &sink));
    if (sink.error)
      std::rethrow_exception(sink.error);
    done += count;
    prefillSpeed.tokens = static_cast<int64_t>(done);
  }
  prefillSpeed.seconds = stopwatch.seconds();
  if (writer && !interrupted())
    writer->commit();
}

void Generator::decode() {
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  for (int64_t i = 0; i != options.length && !interrupted(); ++i) {
    const int32_t token = check(sherry_sample(
        sampler.get(), sherry_context_logits(context.get()), vocabSize));
    if (!options.ignoreEos && sherry_model_is_eos(model, token))
      return;
    sherry_sampler_accept(sampler.get(), token);
    if (!printer.printToken(token) || i + 1 == options.length)
      return;
    const uint32_t capacity = sherry_context_size(context.get());
    if (sherry_context_position(context.get(), 0) == capacity) {
      if (!options.quiet)
        std::fprintf(stderr,
                     "\nsherry-run: stopped, the context of %u positions is "
                     "full\n",
                     capacity);
      return;
    }
    Stopwatch stopwatch;
    check(sherry_eval(context.get(), &token, 1, SHERRY_LOGITS_LAST, nullptr,
                      nullptr));
    decodeSpeed.seconds += stopwatch.seconds();
    ++decodeSpeed.tokens;
  }
}

void Generator::run() {
  for (int32_t token : prompt) {
    sherry_sampler_accept(sampler.get(), token);
    if (options.echo)
      printer.printPrompt(token);
  }
  prefill();
  decode();
  printer.finish();
}

void Generator::printStatistics(double loadSeconds) const {
  std::fprintf(stderr,
               "\nload:    %.3f s\n"
               "prefill: %lld tokens, %.1f tokens/s\n"
               "decode:  %lld tokens, %.1f tokens/s\n"
               "threads: %u, seed: %llu\n",
               loadSeconds, static_cast<long long>(prefillSpeed.tokens),
               prefillSpeed.perSecond(),
               static_cast<long long>(decodeSpeed.tokens),
               decodeSpeed.perSecond(), sherry_context_threads(context.get()),
               static_cast<unsigned long long>(options.sampling.seed));
}

void sherry::run::generate(const sherry_model *model, const Options &options,
                           double loadSeconds) {
  Generator generator(model, options);
  generator.run();
  if (!options.quiet)
    generator.printStatistics(loadSeconds);
}
