//===- Answer.h - A request that is being answered --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_ANSWER_H
#define SHERRY_ENGINE_ANSWER_H

#include "AnswerText.h"
#include "sherry/engine/Engine.h"

#include <algorithm>

namespace sherry::engine {

/// The most sequences that are kept after their requests.
inline constexpr size_t kMostParked = 64;

inline size_t pagesOf(size_t positions) {
  return (positions + SHERRY_PAGE_POSITIONS - 1) / SHERRY_PAGE_POSITIONS;
}

/// Throws std::runtime_error if the model does not know one of the tokens.
void checkTokens(const sherry_model *model, const std::vector<int32_t> &tokens);

/// Whether a token ends the answer.
bool isEndToken(const sherry_model *model, const Request &request,
                int32_t token);

/// The number of equal tokens at the beginning of two lists.
inline size_t countCommon(const std::vector<int32_t> &a,
                          const std::vector<int32_t> &b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

/// The part of a sequence that requests can use.
struct Engine::Extent {
  const std::vector<int32_t> &tokens;
  size_t position; ///< tokens that have been read
  /// Log probabilities of tokens in [from, to) are known, each with the `top`
  /// likeliest.
  size_t from, to;
  uint32_t top;
};

/// The tokens that a sequence has read, with their log probabilities.
struct Engine::Read {
  std::vector<int32_t> tokens; ///< of the prompt and the answer
  size_t position = 0;         ///< of `tokens` have been read
  /// Log probabilities of the tokens from `scoresFrom` on, each with the
  /// `scoresTop` likeliest.
  std::vector<RankedLogprob> scores;
  size_t scoresFrom = 0;
  uint32_t scoresTop = 0;

  Extent extent() const {
    return {tokens, position, scoresFrom, scoresFrom + scores.size(),
            scoresTop};
  }
};

/// A sequence that no request uses, kept for later requests that begin alike.
struct Engine::Parked {
  uint32_t sequence;
  std::string owner;
  Read read;
  bool isSaved = false; ///< or must not be saved
};

/// Tokens that an answer may go on with.
struct Engine::Draft {
  std::vector<int32_t> tokens;
  size_t size = 0; ///< tokens that are evaluated
  /// The length of the suffix that occurred before; 1 for the draft of a model,
  /// 0 for the request's own draft.
  size_t match = 0;
  bool byModel = false;
  std::vector<const float *> logits; ///< after each evaluated token
  size_t picked = 0;                 ///< tokens that were picked since
};

/// A sequence that a request can go on from.
struct Engine::Source {
  size_t count; ///< tokens; 0: no source
  uint32_t sequence;
  const Read *read;
  std::list<Parked>::iterator parked; ///< or the end
};

/// A request that is being answered.
struct Engine::Answer {
  Answer(const sherry_model *model, Id id, Request given)
      : id(id), request(std::move(given)), text(model, request.stops),
        promptSize(request.prompt.size()) {
    if (!request.sampler)
      request.sampler.reset(check(sherry_sampler_create(&request.sampling)),
                            sherry_sampler_destroy);
    read.tokens = request.prompt;
    read.scoresFrom = request.promptLogprobsFrom;
    read.scoresTop = request.promptLogprobs.value_or(0);
  }

  /// Whether no logits after the prompt are needed.
  bool endsBeforeLastToken() const {
    return request.maxTokens == 0 && request.promptLogprobs &&
           !request.onPromptLogits && promptSize > 1;
  }
  /// The number of tokens that have yet to be read.
  size_t left() const {
    return read.tokens.size() - (endsBeforeLastToken() ? 1 : 0) - read.position;
  }
  /// The extent of the sequence at the end of the prompt.
  Extent extentOfPrompt() const {
    return {read.tokens, promptSize, read.scoresFrom,
            request.promptLogprobs ? promptSize : 0, read.scoresTop};
  }
  /// Whether outputs of all tokens that are read now are wanted.
  bool wantsAll() const {
    if (hasReadPrompt)
      return false;
    return request.onPromptLogits || request.pooling == Pooling::Mean ||
           (request.promptLogprobs &&
            read.position + 1 >= request.promptLogprobsFrom);
  }
  bool isCancelled() const {
    return wasCancelled || (request.isCancelled && request.isCancelled());
  }

  Id id;
  Request request;
  AnswerText text;
  Read read;
  size_t promptSize;
  int64_t count = 0;  ///< tokens of the answer
  bool waits = false; ///< for another request to read a common prefix
  bool hasStarted = false, hasReadPrompt = false, wasCancelled = false;
  uint32_t sequence = 0; ///< set when the answer has started
  size_t pages = 0;      ///< that the answer may need
  size_t cached = 0;     ///< tokens that were in the cache before
  size_t scoresGiven = 0;
  Drafter drafter;    ///< null: not needed yet
  size_t learned = 0; ///< tokens that the drafter has
  AcceptanceBySource acceptance;
  DraftCounts drafts;
  Draft draft;                ///< of this step
  std::vector<int32_t> block; ///< the last token and the draft
  // The result of a step.
  std::optional<TokenEvent> next;
  std::exception_ptr error;
  std::vector<double> pool; ///< sum of hidden states
};

/// The share of a request in a block.
struct Engine::Share {
  Answer *answer;
  size_t count; ///< without its draft
  bool isLast;  ///< nothing is left to read after it
  bool isDecode() const {
    return isLast && count == 1 && answer->hasReadPrompt;
  }
};

/// Work on the logits after a token.
struct Engine::Job {
  Answer *answer;
  const float *logits;
  /// The index among the scores of the prompt; nothing: pick the next token.
  std::optional<size_t> score;
  std::exception_ptr error; ///< of the job; null: none
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ANSWER_H
