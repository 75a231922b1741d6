//===- Scorer.h - Log-likelihoods of continuations --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_SCORER_H
#define SHERRY_ENGINE_SCORER_H

#include "sherry/engine/Engine.h"

#include <string>

namespace sherry::engine {

/// Of a text that follows another one.
struct Score {
  double logLikelihood = 0; ///< natural logarithm
  size_t tokens = 0;
  bool isGreedy = true; ///< each token was the likeliest
};

/// Tokens, of which those from `begin` on are scored.
struct ScoredTokens {
  std::vector<int32_t> tokens;
  size_t begin; ///< 1 or more
};

/// Tokens as EleutherAI's harness makes them (lm_eval, TemplateLM.loglikelihood
/// and _encode_pair): an empty context is the prefix token, unless the
/// continuation begins with it; spaces at the end of a context belong to the
/// continuation, and its tokens are those of both texts together that come
/// behind as many as the context alone has. Of what is longer than
/// `capacity` positions, the beginning goes. `flags` as sherry_tokenize takes
/// them. Throws std::runtime_error if nothing is left to score.
ScoredTokens encodePair(const sherry_model *model, std::string before,
                        std::string continuation, unsigned flags,
                        size_t capacity);

/// Scores tokens, with whatever else the engine has to do. Throws as the engine
/// does.
Score score(Engine &engine, ScoredTokens scored);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_SCORER_H
