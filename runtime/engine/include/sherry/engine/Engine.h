//===- Engine.h - Requests in, events out -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Continues prompts, any number of them together: each step evaluates one block
// of tokens, of all that are being answered. What one request gets depends on
// no other: tokens, texts and log probabilities are those of a request alone,
// bit for bit.
//
// Functions that fail throw std::runtime_error, and pass on what handlers
// throw; the requests are then as they were, or further by a token.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_ENGINE_H
#define SHERRY_ENGINE_ENGINE_H

#include "sherry/engine/Logits.h"
#include "sherry/owners.h"

#include <deque>
#include <exception>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace sherry::engine {

/// Why an answer ended: by a token that ends texts or a text that the request
/// names; at its most tokens; where the context is full; or by its caller.
enum class EndReason { Eos, Stop, Length, ContextFull, Cancelled };

struct TokenLogprob {
  int32_t token;
  double logprob; ///< natural logarithm of its probability
};

/// A token of an answer.
struct TokenEvent {
  int32_t token;
  /// What is complete with it, in whole characters. What may be the beginning
  /// of a text that ends the answer comes later. Empty without a tokenizer.
  std::string text;
  std::optional<double> logprob; ///< if the request wants some
  std::vector<TokenLogprob> top; ///< the likeliest first
};

struct EndEvent {
  EndReason reason;
  std::string rest; ///< text that was held back, and belongs to the answer
  bool hasReadPrompt;
};

/// Always the likeliest token.
inline sherry_sampler_options greedySampling() {
  sherry_sampler_options result = {};
  result.top_p = 1;
  return result;
}

/// What is to be continued, and how.
struct Request {
  std::vector<int32_t> prompt; ///< one token or more
  sherry_sampler_options sampling = greedySampling();
  /// Instead of `sampling`: its random numbers go on from where they are.
  std::shared_ptr<sherry_sampler> sampler;
  int64_t maxTokens = -1; ///< below 0: as many as the context has room for
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens; ///< besides those of the model
  bool ignoreEos = false;         ///< no token ends the answer
  /// Log probabilities of each token and of so many likeliest ones.
  std::optional<uint32_t> logprobs;

  /// Where the context is full, forget the older half of all but the first
  /// `keep` tokens, or what `shorten` leaves out: it gives a prompt that asks
  /// the same in fewer tokens, or nothing if it can be no shorter.
  bool contextShift = false;
  size_t keep = 1;
  std::function<std::vector<int32_t>()> shorten;

  /// Only requests of one owner use what the others have read.
  std::string owner;

  // Handlers; each may be empty.
  /// A token of the prompt and the text that is complete with it, before any of
  /// them is evaluated.
  std::function<void(int32_t token, std::string_view text)> onPrompt;
  /// The logits after each token of the prompt, in order; nothing that was read
  /// before is used then.
  LogitsFunction onPromptLogits;
  std::function<void(const TokenEvent &)> onToken;
  std::function<void(const EndEvent &)> onEnd;
  /// The request has failed, and there is no end. If empty, step() throws.
  std::function<void(const std::exception &)> onError;
  /// Is asked after each block: true ends the answer. Of a prompt that is still
  /// being read, no token is answered.
  std::function<bool()> isCancelled;
};

/// Tokens and the seconds that they took.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  double perSecond() const {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

class Engine {
public:
  using Id = uint64_t;

  /// As many requests are answered together as `options` has sequences; the
  /// others wait, in order. The model outlives the engine.
  Engine(const sherry_model *model, const sherry_context_options &options);
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;
  ~Engine();

  /// Positions of each sequence.
  size_t capacity() const;
  uint32_t threads() const;

  /// Throws if the prompt is empty, has tokens that the model does not know, or
  /// does not fit in the context.
  Id submit(Request request);
  /// Ends a request, if there still is one of this number, by its event.
  void cancel(Id id);
  /// Evaluates a block and gives what came of it to the handlers. Returns
  /// whether requests are left.
  bool step();

  const Speed &prefillSpeed() const { return prefill; }
  const Speed &decodeSpeed() const { return decode; }

private:
  struct Answer;
  struct Share;
  /// A sequence that no request uses, kept for what it has read.
  struct Parked {
    uint32_t sequence;
    std::string owner;
    std::vector<int32_t> tokens;
  };

  void admit();
  void start(Answer &answer);
  std::vector<Share> divideBlock();
  void evaluate(std::vector<Share> &shares);
  void receive(Share &share, int64_t index, const float *logits);
  void takeOutputs(const Share &share);
  void makeRoom(const std::vector<Share> &shares);
  bool evict();
  void giveToken(Answer &answer);
  bool forget(Answer &answer);
  std::unique_ptr<Answer> remove(Answer &answer);
  void finish(Answer &answer, EndReason reason);
  void fail(Answer &answer);

  const sherry_model *model;
  Context context;
  size_t maxActive;
  size_t reserved = 0; ///< pages that active requests may need
  std::deque<std::unique_ptr<Answer>> waiting;
  std::list<std::unique_ptr<Answer>> active;
  std::list<Parked> parked; ///< used last at the end
  bool isStepping = false;
  Id nextId = 1;
  Speed prefill, decode;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ENGINE_H
