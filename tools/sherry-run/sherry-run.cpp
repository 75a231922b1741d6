//===- sherry-run.cpp - Runs a compiled model -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text on standard output, statistics and errors on standard error.
//
//===----------------------------------------------------------------------===//
#include "../Support/RankedModel.h"
#include "../Support/Stopwatch.h"
#include "Options.h"
#include "Session.h"

#include <cstdio>

using namespace sherry;
using namespace sherry::run;

/// Fills in the model's values for options that were not given.
static void completeSampling(const sherry_model *model, Options &options) {
  sherry_sampler_options &sampling = options.sampling;
  engine::takeModelSampling(
      model, [&](const char *option) { return options.isGiven(option); },
      sampling);
  const bool repeats =
      sampling.repetition_penalty != 0 && sampling.repetition_penalty != 1;
  if (options.isGiven("--repeat-last-n") && !repeats &&
      sampling.presence_penalty == 0 && sampling.frequency_penalty == 0)
    throw std::runtime_error(
        "--repeat-last-n has no effect without a penalty; give "
        "--repeat-penalty, --presence-penalty or --frequency-penalty");
  // For the runtime, 0 stands for the default.
  if (sampling.penalty_last_n == 0)
    sampling.repetition_penalty = sampling.presence_penalty =
        sampling.frequency_penalty = 0;
}

static void execute(RankedProcess &process, Options &options) {
  process.join();
  Stopwatch stopwatch;
  const sherry_weights weights = options.map || options.info || options.verify
                                     ? SHERRY_WEIGHTS_MAPPED
                                     : SHERRY_WEIGHTS_COPIED;
  const Model model = process.open(options.model, weights);
  if (options.verify)
    check(sherry_model_verify(model.get()));
  if (process.isFollower())
    return process.follow(model);
  if (options.verify)
    return print("undamaged\n");
  const bool scores = options.scoreFile || options.perplexityFile;
  if (!scores && options.info != "json")
    completeSampling(model.get(), options);
  if (options.info)
    return printInfo(model.get(), options);
  if (options.perplexityFile)
    return scorePerplexity(model.get(), options);
  if (options.scoreFile)
    return scoreContinuations(model.get(), options);
  Model draft;
  if (!options.draft.empty()) {
    draft.reset(check(sherry_model_open(options.draft.c_str(), weights)));
    options.drafts.model = draft.get();
  }
  const double loadSeconds = stopwatch.seconds();
  if (options.chat)
    return chat(model.get(), options, loadSeconds);
  if (!sherry_model_has_tokenizer(model.get()) && !options.tokens.empty() &&
      !options.printTokens) {
    std::fputs("sherry-run: the model has no tokenizer, printing token ids\n",
               stderr);
    options.printTokens = true;
  }
  if (!sherry_model_has_tokenizer(model.get()) && !options.stops.empty())
    throw std::runtime_error(
        "the model has no tokenizer, so --stop has no text to look for");
  generate(model.get(), options, loadSeconds);
}

int main(int argc, char **argv) {
  prepareProcess();
  Options options;
  if (auto exitCode = parseOptions(argc, argv, options))
    return *exitCode;
  RankedProcess process;
  try {
    execute(process, options);
  } catch (const OutputClosed &) {
    return process.leave(Success);
  } catch (const std::exception &error) {
    reportError("sherry-run", error.what(), RuntimeError);
    return process.leave(RuntimeError);
  }
  return process.leave(interrupted() ? Interrupted : Success);
}
