//===- Scorer.cpp - Log-likelihoods of continuations ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Scorer.h"
#include "sherry/engine/Tokens.h"

using namespace sherry;
using namespace sherry::engine;

/// Writes the number of tokens of both texts together to `whole`.
static ScoredTokens join(const sherry_model *model, std::string before,
                         std::string continuation, unsigned flags,
                         size_t &whole) {
  const int32_t prefix = findPrefixToken(model);
  ScoredTokens result;
  if (before.empty()) {
    result.tokens =
        tokenize(model, continuation, flags & ~unsigned{SHERRY_TOKENIZE_BOS});
    whole = result.tokens.size();
    const bool isThere =
        !result.tokens.empty() && result.tokens.front() == prefix;
    result.begin = isThere ? 1 : 0;
  } else {
    constexpr const char *spaces = " \t\r\n\v\f";
    size_t end = before.find_last_not_of(spaces);
    end = end == std::string::npos ? 0 : end + 1;
    continuation.insert(0, before, end, std::string::npos);
    before.erase(end);
    const auto both = tokenizeScored(model, before + continuation, flags);
    result.tokens = tokenizeScored(model, before, flags);
    result.begin = result.tokens.size();
    whole = both.size();
    if (whole > result.begin)
      result.tokens.insert(result.tokens.end(),
                           both.begin() + static_cast<ptrdiff_t>(result.begin),
                           both.end());
  }
  if (result.begin == 0) {
    // The first scored token needs a token before it.
    if (prefix < 0)
      throw std::runtime_error("the context is empty, and the model has "
                               "neither a BOS nor an EOS token to begin with");
    result.tokens.insert(result.tokens.begin(), prefix);
    result.begin = 1;
  }
  return result;
}

ScoredTokens sherry::engine::encodePair(const sherry_model *model,
                                        std::string before,
                                        std::string continuation,
                                        unsigned flags, size_t capacity) {
  if (continuation.empty())
    throw std::runtime_error("the continuation is empty");
  size_t whole; // tokens of both texts
  ScoredTokens result =
      join(model, std::move(before), std::move(continuation), flags, whole);
  if (result.begin >= result.tokens.size())
    throw std::runtime_error(
        "the continuation has no token of its own: both texts together are " +
        std::to_string(whole) + " tokens, the context alone " +
        std::to_string(result.begin) +
        "; let the context end where a token does");
  // The last token is not read.
  if (result.tokens.size() > capacity + 1) {
    const size_t excess = result.tokens.size() - capacity - 1;
    if (excess >= result.begin)
      throw std::runtime_error(
          "the continuation has " +
          std::to_string(result.tokens.size() - result.begin) +
          " tokens, more than the " + std::to_string(capacity) +
          " positions of the context");
    result.tokens.erase(result.tokens.begin(),
                        result.tokens.begin() + static_cast<ptrdiff_t>(excess));
    result.begin -= excess;
  }
  return result;
}

Score sherry::engine::score(Engine &engine, ScoredTokens scored) {
  Score result;
  result.tokens = scored.tokens.size() - scored.begin;
  Request request;
  request.prompt = scored.tokens;
  request.maxTokens = 0;
  request.promptLogprobs = 1;
  request.promptLogprobsFrom = scored.begin;
  request.onPromptLogprob = [&](size_t place, const RankedLogprob &score) {
    result.logLikelihood += score.logprob;
    result.isGreedy &= score.top.front().token == scored.tokens[place];
  };
  engine.submit(std::move(request));
  engine.run();
  return result;
}
