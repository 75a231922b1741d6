//===- Generate.cpp - Continues a prompt ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Decoder.h"
#include "Npy.h"
#include "Text.h"

#include <cstdio>

using namespace sherry;
using namespace sherry::run;

static std::vector<int32_t> makePrompt(const sherry_model *model,
                                       const Options &options) {
  std::vector<int32_t> tokens = options.tokens;
  if (tokens.empty()) {
    tokens = tokenize(
        model, options.prompt ? *options.prompt : readText(*options.promptFile),
        tokenizeFlags(options));
    if (hasBosTwice(model, options, tokens))
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

/// False if the user interrupts.
static bool readPrompt(Decoder &decoder, const std::vector<int32_t> &prompt,
                       const sherry_model *model, const Options &options) {
  if (options.logitsFile.empty())
    return decoder.load(prompt);
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  NpyWriter writer(options.logitsFile, prompt.size(), vocabSize);
  if (!decoder.load(prompt, [&](int64_t, const float *logits) {
        checkLogits(logits, vocabSize);
        writer.writeRow(logits);
      }))
    return false;
  writer.commit();
  return true;
}

void sherry::run::generate(const sherry_model *model, const Options &options,
                           double loadSeconds) {
  const std::vector<int32_t> prompt = makePrompt(model, options);
  Decoder decoder(model, options);
  if (prompt.size() > decoder.capacity())
    throw std::runtime_error(
        "the prompt has " + std::to_string(prompt.size()) +
        " tokens, the context " + std::to_string(decoder.capacity()) +
        " positions; use a shorter prompt or a larger --ctx (the model "
        "allows " +
        std::to_string(sherry_model_max_context(model)) + ")");
  Answer answer(model, options);
  if (options.echo)
    for (int32_t token : prompt)
      answer.addPrompt(token);
  const EndReason reason = readPrompt(decoder, prompt, model, options)
                               ? decoder.answer(answer, /*endTokens=*/{}, {})
                               : EndReason::Interrupted;
  answer.end(reason);
  if (reason == EndReason::ContextFull && !options.quiet)
    std::fprintf(stderr,
                 "sherry-run: stopped, the context of %zu positions is full; "
                 "--context-shift forgets what is oldest instead\n",
                 decoder.capacity());
  if (!options.quiet)
    decoder.printStatistics(loadSeconds);
}
