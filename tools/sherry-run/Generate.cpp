//===- Generate.cpp - Continues a prompt ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "Npy.h"
#include "sherry/engine/Tokens.h"

#include <cstdio>

using namespace sherry;
using namespace sherry::run;

static std::vector<int32_t> makePrompt(const sherry_model *model,
                                       const Options &options) {
  std::vector<int32_t> tokens = options.tokens;
  if (tokens.empty()) {
    tokens = engine::tokenize(
        model, options.prompt ? *options.prompt : readText(*options.promptFile),
        tokenizeFlags(options));
    if (engine::hasBosTwice(model, tokenizeFlags(options), tokens))
      std::fputs("sherry-run: warning: the prompt begins with two BOS tokens, "
                 "its own and the one that the tokenizer adds; give --no-bos, "
                 "or leave it out of the prompt\n",
                 stderr);
  }
  // A model continues at least one token.
  if (tokens.empty() && options.bos && sherry_model_bos_token(model) >= 0)
    tokens.push_back(sherry_model_bos_token(model));
  if (tokens.empty())
    throw std::runtime_error("the prompt is empty; give some text");
  return tokens;
}

void sherry::run::generate(const sherry_model *model, const Options &options,
                           double loadSeconds) {
  engine::Request request;
  request.prompt = makePrompt(model, options);
  request.sampling = options.sampling;
  const auto engine = makeEngine(model, options);
  const size_t size = request.prompt.size();
  Answer answer(model, options);
  answer.attachTo(request);
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  std::optional<NpyWriter> writer;
  if (!options.logitsFile.empty()) {
    writer.emplace(options.logitsFile, size, vocabSize);
    request.onPromptLogits = [&](int64_t index, const float *logits) {
      engine::checkLogits(logits, vocabSize);
      writer->writeRow(logits);
      if (static_cast<size_t>(index) + 1 == size)
        writer->commit();
    };
  }
  try {
    engine->submit(std::move(request));
  } catch (const engine::PromptTooLong &error) {
    throw std::runtime_error(
        "the prompt has " + std::to_string(error.size) +
        " tokens, the context " + std::to_string(error.capacity) +
        " positions; use a shorter prompt or a larger --ctx (the model "
        "allows " +
        std::to_string(sherry_model_max_context(model)) + ")");
  }
  engine->run();
  if (answer.end()->reason == engine::EndReason::ContextFull && !options.quiet)
    std::fprintf(stderr,
                 "sherry-run: stopped, the context of %zu positions is full; "
                 "--context-shift forgets the oldest tokens instead\n",
                 engine->capacity());
  if (!options.quiet)
    printStatistics(*engine, options, loadSeconds);
}
