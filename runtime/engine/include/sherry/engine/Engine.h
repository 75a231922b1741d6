//===- Engine.h - Requests in, events out -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Continues any number of prompts together. Each step evaluates one block of
// tokens of all requests that are being answered, or one token of each if this
// is more. Requests do not affect each other's results: tokens, texts and log
// probabilities are bit for bit those of a request alone.
//
// A block that has room also takes drafts: tokens that an answer may go on
// with. Each request picks its tokens from the logits as without drafts; if it
// picks the drafted token, the logits after this token are already computed. So
// drafts change the time that an answer takes, and nothing else.
//
// Functions that fail throw std::runtime_error and pass on the exceptions of
// handlers; requests are then as they were, or one token further.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_ENGINE_H
#define SHERRY_ENGINE_ENGINE_H

#include "sherry/engine/DraftPolicy.h"
#include "sherry/engine/Request.h"
#include "sherry/owners.h"

#include <deque>
#include <list>

namespace sherry::engine {

/// A prompt does not fit in the context.
struct PromptTooLong : std::runtime_error {
  PromptTooLong(size_t size, size_t capacity);
  size_t size, capacity; ///< tokens of the prompt, positions of the context
};

/// Tokens and the seconds that they took.
struct Speed {
  int64_t tokens = 0;
  double seconds = 0;
  double perSecond() const {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

/// How an engine drafts.
struct DraftOptions {
  size_t most = 16; ///< tokens for an answer in a block; 0: none
  /// Draft only the tokens that save time according to measurements, instead of
  /// all `most`.
  bool adapts = true;
  /// Drafts if the text offers no draft; null: no model. It must have the same
  /// tokens as the engine's model and outlive the engine.
  const sherry_model *model = nullptr;
};

class DraftModel;
class PrefixStore;

class Engine {
public:
  using Id = uint64_t;

  /// `options.sequences` is the number of requests that are answered together;
  /// further ones wait, in order. The model must outlive the engine.
  Engine(const sherry_model *model, const sherry_context_options &options);
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;
  ~Engine();

  /// Keeps the prefixes of long prompts as files in `folder`, at most
  /// `maxBytes` bytes, for this process and later ones. Owners of requests must
  /// then be words of letters, digits and "-". Throws std::runtime_error.
  void keepPrefixes(const std::string &folder, uint64_t maxBytes);
  /// Writes one prefix that is to be kept; returns false if there is none left.
  /// To be called while no request waits. Throws std::runtime_error.
  bool savePrefix();

  /// To be called before the first request. Throws std::runtime_error if the
  /// draft model does not fit the engine's model.
  void setDrafts(const DraftOptions &options);

  /// The most positions of a sequence: the size of the context, or of all its
  /// pages if this is less.
  size_t capacity() const;
  uint32_t threads() const;

  /// Adds a request and returns its number. Throws PromptTooLong, and
  /// std::runtime_error if the prompt is empty or has tokens that the model
  /// does not know, or if fields of the request exclude each other.
  Id submit(Request request);
  /// Ends a request with EndReason::Cancelled; does nothing if it has ended.
  void cancel(Id id);
  /// Evaluates a block and calls the handlers with the results. Returns whether
  /// requests are left.
  bool step();
  /// Steps until no requests are left.
  void run();

  size_t waitingRequests() const { return waiting.size(); }
  size_t activeRequests() const { return active.size(); }
  /// The number of pages of the context, and of those that no sequence holds.
  size_t pages() const;
  size_t freePages() const;
  const Speed &prefillSpeed() const { return prefill; }
  const Speed &decodeSpeed() const { return decode; }
  const DraftCounts &draftCounts() const { return drafts; }

private:
  struct Answer;
  struct Share;
  struct Job;
  struct Extent;
  struct Read;
  struct Parked;
  struct Source;
  struct Draft;

  void admit();
  void start(Answer &answer);
  void startFromMemory(Answer &answer, const Source &source);
  bool startFromFile(Answer &answer, size_t best);
  Source findSource(const Answer &answer, size_t &coming);
  static size_t findReusable(const Answer &answer, const Extent &other);
  static bool covers(const Extent &a, const Extent &b);
  void park(Parked kept);
  bool isActive(const Answer *answer) const;
  std::vector<Share> divideBlock();
  void draft(const std::vector<Share> &shares);
  double acceptanceOf(const Answer &answer, bool byModel, size_t match) const;
  void proposeDraft(Answer &answer);
  void draftByModel(const std::vector<Share> &shares);
  void cutDraft(Answer &answer) const;
  size_t mostDraftedFor(const Answer &answer) const;
  void evaluate(std::vector<Share> &shares);
  void receive(Share &share, int64_t index, const float *values,
               std::vector<Job> &jobs);
  void work(const Job &job) const;
  void workTogether(std::vector<Job> &jobs);
  void pick(Answer &answer, const float *logits) const;
  void judgeDraft(Answer &answer);
  void takeOutputs(const Share &share);
  void giveTokens(Answer &answer);
  void dropDraft(const Answer &answer);
  void makeRoom(const std::vector<Share> &shares);
  bool evict();
  bool giveToken(Answer &answer);
  void giveScores(Answer &answer);
  void giveEmbedding(Answer &answer);
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
  std::list<Parked> parked;           ///< the last used one at the end
  std::unique_ptr<PrefixStore> store; ///< null: no prefixes in files
  bool isStepping = false;
  Id nextId = 1;
  Speed prefill, decode;
  DraftCounts drafts;
  DraftOptions draftOptions;
  DraftPolicy policy;
  AcceptanceBySource acceptance;          ///< of all answers
  std::unique_ptr<DraftModel> draftModel; ///< null: none
  double draftSeconds = 0;                ///< time of the drafts of a step
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ENGINE_H
