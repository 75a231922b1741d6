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

/// The score of a text that follows another one.
struct Score {
  double logLikelihood = 0; ///< natural logarithm
  size_t tokens = 0;
  bool isGreedy = true; ///< each token was the likeliest
};

/// Tokens, which are scored from number `begin` on.
struct ScoredTokens {
  std::vector<int32_t> tokens;
  size_t begin; ///< at least 1
};

/// The tokens of `before` and of its continuation, as EleutherAI's harness
/// makes them (lm_eval, TemplateLM.loglikelihood and _encode_pair). An empty
/// context becomes the prefix token, unless the continuation begins with it.
/// Spaces at the end of a context belong to the continuation. If the context
/// alone has n tokens, the tokens of both texts together are scored from number
/// n on. Tokens beyond `capacity` positions are cut off at the beginning.
/// `flags` as sherry_tokenize takes them. Throws std::runtime_error if nothing
/// is left to score.
ScoredTokens encodePair(const sherry_model *model, std::string before,
                        std::string continuation, unsigned flags,
                        size_t capacity);

/// Scores tokens; runs the engine until it has no requests left. Throws as the
/// engine does.
Score score(Engine &engine, ScoredTokens scored);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_SCORER_H
