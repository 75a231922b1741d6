//===- Perplexity.cpp - Scores a text -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Session.h"
#include "sherry/engine/Tokens.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;

static constexpr uint32_t defaultWindow = 512;

namespace {

/// Sums of negative log-likelihoods, with natural logarithms.
struct Score {
  double nll = 0;     ///< their sum
  double squares = 0; ///< sum of their squares
  int64_t count = 0;

  void add(double part) {
    nll += part;
    squares += part * part;
    ++count;
  }
};

} // namespace

void sherry::run::scorePerplexity(const sherry_model *model,
                                  const Options &options) {
  const uint32_t window = options.window.value_or(
      std::min(defaultWindow, sherry_model_max_context(model)));
  if (window < 2)
    throw std::runtime_error("--window must be at least 2: one token to "
                             "predict from and one to predict");
  const uint32_t stride = options.stride.value_or(window);
  if (stride == 0 || stride > window)
    throw std::runtime_error("--stride is " + std::to_string(stride) +
                             "; it must be from 1 to the window, " +
                             std::to_string(window));
  const std::vector<int32_t> tokens = engine::tokenizeScored(
      model, readText(*options.perplexityFile), tokenizeFlags(options));
  // If texts begin with BOS, each window does, too.
  const std::vector<int32_t> start =
      engine::tokenize(model, "", tokenizeFlags(options));
  if (tokens.size() < 2)
    throw std::runtime_error(
        *options.perplexityFile +
        ": has fewer than 2 tokens, so there is nothing to score");
  sherry_context_options contextOptions = options.context;
  contextOptions.context = window;
  engine::Engine engine(model, contextOptions);

  const bool showProgress = !options.quiet && isatty(STDERR_FILENO);
  Score result;
  size_t scored = 0; // tokens before this index are scored
  for (size_t begin = 0; scored < tokens.size(); begin += stride) {
    if (interrupted())
      break;
    const size_t count = std::min<size_t>(window, tokens.size() - begin);
    const auto first = tokens.begin() + static_cast<ptrdiff_t>(begin);
    std::vector<int32_t> part(first, first + static_cast<ptrdiff_t>(count));
    if (!start.empty())
      part.front() = start.front();
    engine::Request request;
    request.prompt = std::move(part);
    request.maxTokens = 0;
    request.promptLogprobs = 0;
    // Tokens before it give context.
    request.promptLogprobsFrom = std::max<size_t>(scored - begin, 1);
    request.onPromptLogprob = [&](size_t, const engine::RankedLogprob &score) {
      result.add(-score.logprob);
    };
    scored = begin + count;
    engine.submit(std::move(request));
    engine.run();
    if (showProgress)
      std::fprintf(stderr, "\r%zu of %zu tokens", begin + count, tokens.size());
  }
  if (showProgress)
    std::fputc('\n', stderr);
  if (scored < tokens.size())
    std::fprintf(stderr, "sherry-run: interrupted after %zu of %zu tokens\n",
                 scored, tokens.size());
  if (result.count == 0)
    return;
  char text[128];
  std::snprintf(text, sizeof(text), "nll: %.6f\ntokens: %lld\n", result.nll,
                static_cast<long long>(result.count));
  print(text);
  const auto count = static_cast<double>(result.count);
  const double mean = result.nll / count, perplexity = std::exp(mean);
  std::snprintf(text, sizeof(text), "perplexity: %.6f\n", perplexity);
  print(text);
  if (result.count < 2)
    return;
  // By the central limit theorem, for the mean; the derivative of exp is exp.
  const double variance =
      std::max(0.0, result.squares / count - mean * mean) / (count - 1);
  const double error = std::sqrt(variance);
  constexpr double quantile = 1.959964; // of the normal distribution
  std::snprintf(text, sizeof(text),
                "standard error: %.6f\n95%% interval: %.6f to %.6f\n",
                perplexity * error, std::exp(mean - quantile * error),
                std::exp(mean + quantile * error));
  print(text);
}
