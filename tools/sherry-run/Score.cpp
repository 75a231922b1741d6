//===- Score.cpp - Log-likelihoods of continuations -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Text.h"
#include "sherry/engine/Logits.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;
using Json = nlohmann::ordered_json;

namespace {

/// Tokens, of which those from `begin` on are scored.
struct Request {
  std::vector<int32_t> tokens;
  size_t begin;
};

struct Score {
  double logLikelihood = 0;
  bool isGreedy = true; ///< each token was the likeliest
};

class Scorer {
public:
  Scorer(const sherry_model *model, const Options &options)
      : model(model), options(options), prefix(findPrefixToken(model)),
        context(check(sherry_context_create(model, &options.context))) {}

  Json score(const std::string &before, const std::string &continuation);

private:
  Request encode(std::string before, std::string continuation) const;
  Request makeRequest(const std::string &before,
                      const std::string &continuation) const;
  Score evaluate(const Request &request);

  const sherry_model *model;
  const Options &options;
  int32_t prefix; ///< before an empty context; -1: there is none
  Context context;
  std::vector<int32_t> read; ///< tokens in the context
};

} // namespace

/// Tokens as EleutherAI's harness makes them (lm_eval, TemplateLM.loglikelihood
/// and _encode_pair): an empty context is the prefix token, unless the
/// continuation begins with it; spaces at the end of a context belong to the
/// continuation, and both are made into tokens together.
Request Scorer::encode(std::string before, std::string continuation) const {
  Request request;
  if (before.empty()) {
    const unsigned flags = options.special ? SHERRY_TOKENIZE_SPECIAL : 0;
    request.tokens = tokenize(model, continuation, flags);
    const bool isThere =
        !request.tokens.empty() && request.tokens.front() == prefix;
    request.begin = isThere ? 1 : 0;
  } else {
    constexpr const char *spaces = " \t\r\n\v\f";
    size_t end = before.find_last_not_of(spaces);
    end = end == std::string::npos ? 0 : end + 1;
    continuation.insert(0, before, end, std::string::npos);
    before.erase(end);
    request.begin = tokenizeScored(model, options, before).size();
    request.tokens = tokenizeScored(model, options, before + continuation);
  }
  if (request.begin == 0) {
    // Something has to come before the first token.
    if (prefix < 0)
      throw std::runtime_error("the context is empty, and the model has "
                               "neither a BOS nor an EOS token to begin with");
    request.tokens.insert(request.tokens.begin(), prefix);
    request.begin = 1;
  }
  return request;
}

Request Scorer::makeRequest(const std::string &before,
                            const std::string &continuation) const {
  if (continuation.empty())
    throw std::runtime_error("the continuation is empty");
  Request request = encode(before, continuation);
  if (request.begin >= request.tokens.size())
    throw std::runtime_error(
        "the continuation is no token of its own: both texts together are " +
        std::to_string(request.tokens.size()) + " tokens, the context alone " +
        std::to_string(request.begin) +
        "; let the context end where a token does");
  // The last token is not read. Of what is too long, the beginning goes.
  const size_t capacity = sherry_context_size(context.get());
  if (request.tokens.size() > capacity + 1) {
    const size_t excess = request.tokens.size() - capacity - 1;
    if (excess >= request.begin)
      throw std::runtime_error(
          "the continuation has " +
          std::to_string(request.tokens.size() - request.begin) +
          " tokens, more than the " + std::to_string(capacity) +
          " positions of the context");
    request.tokens.erase(request.tokens.begin(),
                         request.tokens.begin() +
                             static_cast<ptrdiff_t>(excess));
    request.begin -= excess;
  }
  return request;
}

Score Scorer::evaluate(const Request &request) {
  // What the last request began with is there already, up to the token whose
  // logits are needed first.
  const size_t first = request.begin - 1, last = request.tokens.size() - 1;
  const auto differ =
      std::mismatch(read.begin(), read.end(), request.tokens.begin(),
                    request.tokens.begin() + static_cast<ptrdiff_t>(first));
  const auto shared = static_cast<size_t>(differ.first - read.begin());
  check(
      sherry_context_truncate(context.get(), 0, static_cast<uint32_t>(shared)));
  read.resize(shared);
  if (shared < first)
    engine::evaluate(context.get(), &request.tokens[shared], first - shared,
                     SHERRY_LOGITS_NONE);
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  Score score;
  auto receive = [&](int64_t index, const float *logits) {
    const int32_t token =
        request.tokens[request.begin + static_cast<size_t>(index)];
    score.logLikelihood += engine::LogSoftmax(logits, vocabSize)(token);
    score.isGreedy &=
        std::max_element(logits, logits + vocabSize) - logits == token;
  };
  engine::evaluate(context.get(), &request.tokens[first], last - first,
                   SHERRY_LOGITS_ALL, receive);
  read.assign(request.tokens.begin(),
              request.tokens.begin() + static_cast<ptrdiff_t>(last));
  return score;
}

Json Scorer::score(const std::string &before, const std::string &continuation) {
  const Request request = makeRequest(before, continuation);
  const Score score = evaluate(request);
  return {{"loglikelihood", score.logLikelihood},
          {"tokens", request.tokens.size() - request.begin},
          {"is_greedy", score.isGreedy}};
}

/// The answer to a line: what was asked for, or an error.
static Json answerLine(Scorer &scorer, const std::string &line) {
  Json result = Json::object();
  try {
    // An ordered object would copy values, and deep ones cannot be copied.
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
    result.update(scorer.score(*before, *continuation));
  } catch (const std::exception &error) {
    result["error"] = error.what();
  }
  return result;
}

void sherry::run::scoreContinuations(const sherry_model *model,
                                     const Options &options) {
  Scorer scorer(model, options);
  LineReader lines(*options.scoreFile);
  const bool showProgress = !options.quiet && isatty(STDERR_FILENO);
  std::string line;
  size_t number = 0, failures = 0;
  awaitInterrupt(/*restart=*/false);
  while (!interrupted() && lines.next(line)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string::npos)
      continue;
    Json result = answerLine(scorer, line);
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
