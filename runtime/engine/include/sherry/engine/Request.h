//===- Request.h - What an engine is asked, and what it tells ---*- C++ -*-===//
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

/// Why an answer ended: by a token that ends texts or a text that the request
/// names; at its most tokens; where the context is full; or by its caller.
enum class EndReason { Eos, Stop, Length, ContextFull, Cancelled };

/// A token of an answer.
struct TokenEvent {
  int32_t token;
  /// What is complete with it, in whole characters. What may be the beginning
  /// of a text that ends the answer comes later. Empty without a tokenizer.
  std::string text;
  std::optional<RankedLogprob> logprob; ///< if the request wants it
  bool isStopped = false; ///< it completes a text that ends the answer
};

/// Tokens that were drafted and evaluated, and those of them that were picked.
struct DraftCounts {
  int64_t drafted = 0, accepted = 0;
};

struct EndEvent {
  EndReason reason;
  std::string rest; ///< text that was held back, and belongs to the answer
  bool hasReadPrompt;
  size_t cached; ///< tokens of the prompt that another request had read
  DraftCounts drafts;
};

/// Always the likeliest token.
inline sherry_sampler_options greedySampling() {
  sherry_sampler_options result = {};
  result.top_p = 1;
  return result;
}

/// What becomes of the hidden states of a prompt: one vector, the mean of all
/// of them or the last one.
enum class Pooling { None, Mean, Last };

/// Which tokens an answer may have, one after the other. It is asked by any
/// thread of the engine's, those of several answers at once.
class Constraint {
public:
  virtual ~Constraint() = default;
  /// Whether the answer may go on with a token, or end by one.
  virtual bool accepts(int32_t token) const = 0;
  /// A bit for each token that is accepted, as sherry_sample_masked takes it.
  /// Valid until the next call.
  virtual const uint32_t *mask() = 0;
  /// The answer has gone on with a token that is accepted.
  virtual void advance(int32_t token) = 0;
  /// Whether nothing can follow: the answer ends here.
  virtual bool mustEnd() const = 0;
};

/// What is to be continued, and how.
struct Request {
  std::vector<int32_t> prompt; ///< one token or more
  sherry_sampler_options sampling = greedySampling();
  /// Instead of `sampling`: its random numbers go on from where they are. Of
  /// one request at a time.
  std::shared_ptr<sherry_sampler> sampler;
  /// Leaves some tokens out. Log probabilities are those without it.
  std::shared_ptr<Constraint> constraint;
  int64_t maxTokens = -1; ///< below 0: as many as the context has room for
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens; ///< besides those of the model
  bool ignoreEos = false;         ///< no token ends the answer
  /// The answer's text goes on where the prompt's ends: a character may begin
  /// there. Else it is a text of its own.
  bool continuesText = false;
  /// Log probabilities of each token and of so many likeliest ones.
  std::optional<uint32_t> logprobs;
  /// The same of the prompt's tokens from `promptLogprobsFrom` on, 1 or later:
  /// the first token follows nothing.
  std::optional<uint32_t> promptLogprobs;
  size_t promptLogprobsFrom = 1;
  /// Asks for the hidden states of the prompt, and no tokens: see onEmbedding.
  Pooling pooling = Pooling::None;

  /// Where the context is full, forget the older half of all but the first
  /// `keep` tokens, or what `shorten` leaves out: it gives a prompt that asks
  /// the same in fewer tokens, or nothing if it can be no shorter.
  bool contextShift = false;
  size_t keep = 1;
  std::function<std::vector<int32_t>()> shorten;

  /// Drafts tokens that may follow these, instead of the engine; what is beyond
  /// the first `most` is not looked at. It changes no token of the answer.
  std::function<std::vector<int32_t>(const std::vector<int32_t> &tokens,
                                     size_t most)>
      draft;

  /// Only requests of one owner use what the others have read.
  std::string owner;

  // Handlers; each may be empty.
  /// A token of the prompt and, if the answer continues it, the text that is
  /// complete with it; before any of them is evaluated.
  std::function<void(int32_t token, std::string_view text)> onPrompt;
  /// Its turn has come; so many tokens of the prompt are read already.
  std::function<void(size_t cached)> onStart;
  /// The logits after each token of the prompt, in order; nothing that was read
  /// before is used then.
  LogitsFunction onPromptLogits;
  /// What `promptLogprobs` asks for, by the tokens' places, in order.
  std::function<void(size_t place, const RankedLogprob &)> onPromptLogprob;
  /// The pooled hidden states [hidden size], of Euclidean norm 1.
  std::function<void(const std::vector<float> &)> onEmbedding;
  std::function<void(const TokenEvent &)> onToken;
  std::function<void(const EndEvent &)> onEnd;
  /// The request has failed, and there is no end. If empty, step() throws.
  std::function<void(const std::exception &)> onError;
  /// Is asked after each block: true ends the answer. Of a prompt that is still
  /// being read, no token is answered.
  std::function<bool()> isCancelled;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_REQUEST_H
