//===- Score.cpp - Log-likelihoods of continuations -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Session.h"
#include "sherry/engine/Scorer.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;
using Json = nlohmann::ordered_json;

/// The answer to a line: the scores, or an error.
static Json answerLine(const sherry_model *model, const Options &options,
                       engine::Engine &engine, const std::string &line) {
  Json result = Json::object();
  try {
    // Not an ordered object, which would copy values: copying deep values
    // overflows the stack.
    const auto request = nlohmann::json::parse(line, nullptr, false);
    const auto id = request.find("id");
    const bool hasId = request.is_object() && id != request.end();
    if (hasId && !id->is_string() && !id->is_number())
      throw std::runtime_error("the \"id\" must be a text or a number");
    if (hasId)
      result["id"] = Json(*id);
    const auto before = request.find("context");
    const auto continuation = request.find("continuation");
    if (!request.is_object() || before == request.end() ||
        continuation == request.end() || !before->is_string() ||
        !continuation->is_string())
      throw std::runtime_error("must be an object with the texts \"context\" "
                               "and \"continuation\"");
    const engine::Score score = engine::score(
        engine, engine::encodePair(model, *before, *continuation,
                                   tokenizeFlags(options), engine.capacity()));
    result["loglikelihood"] = score.logLikelihood;
    result["tokens"] = score.tokens;
    result["is_greedy"] = score.isGreedy;
  } catch (const std::exception &error) {
    result["error"] = error.what();
  }
  return result;
}

void sherry::run::scoreContinuations(const sherry_model *model,
                                     const Options &options) {
  engine::Engine engine(model, options.context);
  LineReader lines(*options.scoreFile);
  const bool showProgress = !options.quiet && isatty(STDERR_FILENO);
  std::string line;
  size_t number = 0, failures = 0;
  awaitInterrupt(/*restart=*/false);
  while (!interrupted() && lines.next(line)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string::npos)
      continue;
    Json result = answerLine(model, options, engine, line);
    if (result.contains("error")) {
      result["line"] = number;
      ++failures;
    }
    print(result.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    if (showProgress)
      std::fprintf(stderr, "\r%zu lines", number);
  }
  if (showProgress)
    std::fputc('\n', stderr);
  if (interrupted())
    std::fprintf(stderr, "sherry-run: interrupted after %zu lines\n", number);
  else if (failures > 0)
    throw std::runtime_error(
        *options.scoreFile + ": " + std::to_string(failures) + " of " +
        std::to_string(number) + " lines have an error instead of a score");
}
