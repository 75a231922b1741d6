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

/// Sequences that are kept for what they have read.
inline constexpr size_t kMostParked = 64;

inline size_t pagesOf(size_t positions) {
  return (positions + SHERRY_PAGE_POSITIONS - 1) / SHERRY_PAGE_POSITIONS;
}

/// Throws std::runtime_error if the model does not know one of them.
void checkTokens(const sherry_model *model, const std::vector<int32_t> &tokens);

/// Whether a token ends the answer.
bool isEndToken(const sherry_model *model, const Request &request,
                int32_t token);

/// Tokens that two lists have in common at the beginning.
inline size_t countCommon(const std::vector<int32_t> &a,
                          const std::vector<int32_t> &b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

/// What requests can use of a sequence.
struct Engine::Extent {
  const std::vector<int32_t> &tokens;
  size_t position; ///< tokens that are read
  /// Log probabilities of tokens in [from, to) are known, each with the `top`
  /// likeliest.
  size_t from, to;
  uint32_t top;
};

/// What a sequence has read.
struct Engine::Read {
  std::vector<int32_t> tokens; ///< all that the answer follows from
  size_t position = 0;         ///< of them are read
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

/// A sequence that no request uses, kept for what it has read.
struct Engine::Parked {
  uint32_t sequence;
  std::string owner;
  Read read;
  bool isSaved = false; ///< or is not to be
};

/// Tokens that an answer may go on with.
struct Engine::Draft {
  std::vector<int32_t> tokens;
  size_t size = 0; ///< of them are evaluated
  /// Tokens of the suffix that occurred before; of a model's draft 1, and 0 of
  /// the request's own.
  size_t match = 0;
  bool byModel = false;
  std::vector<const float *> logits; ///< after each that is evaluated
  size_t picked = 0;                 ///< tokens that were picked since
};

/// What a request can go on from.
struct Engine::Source {
  size_t count; ///< tokens; 0: there is nothing
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

  /// Whether the model need not say what comes after the prompt.
  bool endsBeforeLastToken() const {
    return request.maxTokens == 0 && request.promptLogprobs &&
           !request.onPromptLogits && promptSize > 1;
  }
  /// Tokens that are to be read.
  size_t left() const {
    return read.tokens.size() - (endsBeforeLastToken() ? 1 : 0) - read.position;
  }
  /// What the sequence will have read at the end of the prompt.
  Extent extentOfPrompt() const {
    return {read.tokens, promptSize, read.scoresFrom,
            request.promptLogprobs ? promptSize : 0, read.scoresTop};
  }
  /// Whether something is wanted of all tokens that are read now.
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
  bool waits = false; ///< for another request to read what both begin with
  bool hasStarted = false, hasReadPrompt = false, wasCancelled = false;
  uint32_t sequence = 0; ///< once it has started
  size_t pages = 0;      ///< that it may need
  size_t cached = 0;     ///< tokens that another request had read
  size_t scoresGiven = 0;
  Drafter drafter;    ///< null: not needed yet
  size_t learned = 0; ///< tokens that it has
  AcceptanceBySource acceptance;
  DraftCounts drafts;
  Draft draft;                ///< of this step
  std::vector<int32_t> block; ///< the last token and those of the draft
  // What a step has brought.
  std::optional<TokenEvent> next;
  std::exception_ptr error;
  std::vector<double> pool; ///< sum of hidden states
};

/// What a request has of a block.
struct Engine::Share {
  Answer *answer;
  size_t count; ///< without its draft
  bool isLast;  ///< nothing is left to read then
  bool isDecode() const {
    return isLast && count == 1 && answer->hasReadPrompt;
  }
};

/// What is to be made of the logits after a token.
struct Engine::Job {
  Answer *answer;
  const float *logits;
  /// Its place among the scores of the prompt; nothing: the next token.
  std::optional<size_t> score;
  std::exception_ptr error; ///< what came of it
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ANSWER_H
