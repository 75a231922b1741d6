//===- Request.h - Requests to an engine and their events -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_REQUEST_H
#define SHERRY_ENGINE_REQUEST_H

#include "sherry/engine/Logits.h"

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sherry::engine {

/// Why an answer ended: by a token that ends texts; by a text that the request
/// names; at maxTokens; because the context is full; or by the caller.
enum class EndReason { Eos, Stop, Length, ContextFull, Cancelled };

/// A token of an answer.
struct TokenEvent {
  int32_t token;
  /// The text that is complete with this token, in whole characters. Text that
  /// may begin a stop text is held back for later events. Empty without a
  /// tokenizer.
  std::string text;
  std::optional<RankedLogprob> logprob; ///< if the request wants it
  bool isStopped = false;               ///< the token completes a stop text
};

/// Numbers of tokens that were drafted and evaluated, and of those that were
/// accepted.
struct DraftCounts {
  int64_t drafted = 0, accepted = 0;
};

struct EndEvent {
  EndReason reason;
  std::string rest; ///< text that was held back and belongs to the answer
  bool hasReadPrompt;
  size_t cached; ///< tokens of the prompt that were in the cache before
  DraftCounts drafts;
};

/// Options of a sampler that always picks the likeliest token.
inline sherry_sampler_options greedySampling() {
  sherry_sampler_options result = {};
  result.top_p = 1;
  return result;
}

/// How the hidden states of a prompt become one vector: their mean, or the last
/// one.
enum class Pooling { None, Mean, Last };

/// Decides which token may come next in an answer. Called by any thread of the
/// engine; constraints of several answers are called at once.
class Constraint {
public:
  virtual ~Constraint() = default;
  /// Whether the answer may go on with `token`, or end with it.
  virtual bool accepts(int32_t token) const = 0;
  /// The mask of the accepted tokens, as sherry_sample_masked takes it. Owned
  /// by the constraint and valid until the next call.
  virtual const uint32_t *mask() = 0;
  /// Called when the answer has gone on with `token`, an accepted one.
  virtual void advance(int32_t token) = 0;
  /// Whether no token can follow, so that the answer ends here.
  virtual bool mustEnd() const = 0;
};

/// A prompt and how to continue it.
struct Request {
  std::vector<int32_t> prompt; ///< at least one token
  sherry_sampler_options sampling = greedySampling();
  /// If set, used instead of `sampling`; its random numbers go on from their
  /// state. A sampler is for one request at a time.
  std::shared_ptr<sherry_sampler> sampler;
  /// Excludes tokens; null: none. It does not change log probabilities.
  std::shared_ptr<Constraint> constraint;
  int64_t maxTokens = -1; ///< negative: as many as the context has room for
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens; ///< besides those of the model
  bool ignoreEos = false;         ///< no token ends the answer
  /// The answer's text continues the prompt's: a character may begin in the
  /// prompt and end in the answer. Else the answer is a text of its own.
  bool continuesText = false;
  /// If set: give the log probabilities of each token and of this number of
  /// likeliest tokens.
  std::optional<uint32_t> logprobs;
  /// If set: give the same for the prompt's tokens from number
  /// `promptLogprobsFrom` on, which is at least 1, because no token comes
  /// before token 0.
  std::optional<uint32_t> promptLogprobs;
  size_t promptLogprobsFrom = 1;
  /// Unless None: give the pooled hidden states of the prompt to onEmbedding,
  /// and answer no tokens.
  Pooling pooling = Pooling::None;

  /// If the context is full, keep the first `keep` tokens (at least one) and
  /// forget the older half of the rest; or, if `shorten` is set, go on with its
  /// result: a prompt that asks the same in fewer tokens, empty if there is
  /// none.
  bool contextShift = false;
  size_t keep = 1;
  std::function<std::vector<int32_t>()> shorten;

  /// If set, drafts the tokens that may follow `tokens`, instead of the engine;
  /// tokens after the first `most` are ignored. It changes no token of the
  /// answer.
  std::function<std::vector<int32_t>(const std::vector<int32_t> &tokens,
                                     size_t most)>
      draft;

  /// Only requests of the same owner share prefixes.
  std::string owner;

  // Handlers; each may be empty.
  /// Receives each token of the prompt, before the prompt is evaluated, and, if
  /// the answer continues the prompt's text, the text that is complete with the
  /// token.
  std::function<void(int32_t token, std::string_view text)> onPrompt;
  /// Called when the request's turn has come; the first `cached` tokens of the
  /// prompt are in the cache already.
  std::function<void(size_t cached)> onStart;
  /// Receives the logits after each token of the prompt, in order. With this
  /// handler, the prompt does not use the cache of other requests.
  LogitsFunction onPromptLogits;
  /// Receives the log probabilities of `promptLogprobs`, in order, with the
  /// index of the token in the prompt.
  std::function<void(size_t place, const RankedLogprob &)> onPromptLogprob;
  /// Receives the pooled hidden states [hidden_size], scaled to Euclidean norm
  /// 1.
  std::function<void(const std::vector<float> &)> onEmbedding;
  std::function<void(const TokenEvent &)> onToken;
  std::function<void(const EndEvent &)> onEnd;
  /// Called if the request fails, instead of onEnd. If empty, step() throws.
  std::function<void(const std::exception &)> onError;
  /// Called after each block: true ends the answer, without any token if the
  /// prompt is still being read.
  std::function<bool()> isCancelled;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_REQUEST_H
