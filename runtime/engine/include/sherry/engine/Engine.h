//===- Engine.h - Requests in, events out -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Continues prompts, any number of them together: each step evaluates one block
// of tokens, or a token of each if these are more, of all that are being
// answered. What one request gets depends on
// no other: tokens, texts and log probabilities are those of a request alone,
// bit for bit.
//
// A block that has room takes drafts, too: tokens that an answer may go on
// with. Each request picks its tokens from the logits as ever; where it picks
// what was drafted, the logits after that are there already. So drafts change
// how long an answer takes, and nothing else.
//
// Functions that fail throw std::runtime_error, and pass on what handlers
// throw; the requests are then as they were, or further by a token.
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
  /// As many as pay by what was measured, rather than as many as there are.
  bool adapts = true;
  /// Drafts where the text has nothing; null: none. It has the same tokens as
  /// the engine's model, and outlives the engine.
  const sherry_model *model = nullptr;
};

class DraftModel;
class PrefixStore;

class Engine {
public:
  using Id = uint64_t;

  /// As many requests are answered together as `options` has sequences; the
  /// others wait, in order. The model outlives the engine.
  Engine(const sherry_model *model, const sherry_context_options &options);
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;
  ~Engine();

  /// Keeps what long prompts have read in a folder, up to so many bytes, for
  /// this process and later ones. Owners must be words of letters, digits and
  /// -. Throws std::runtime_error.
  void keepPrefixes(const std::string &folder, uint64_t maxBytes);
  /// Writes one of what is to be kept; false: nothing is left to write. For
  /// when nobody waits. Throws std::runtime_error.
  bool savePrefix();

  /// Before any request. Throws std::runtime_error if the model does not fit.
  void setDrafts(const DraftOptions &options);

  /// Positions that a sequence can have: those of the context, or of all its
  /// pages.
  size_t capacity() const;
  uint32_t threads() const;

  /// Throws PromptTooLong, and std::runtime_error if the prompt is empty or has
  /// tokens that the model does not know, or if what is asked for cannot be
  /// had together.
  Id submit(Request request);
  /// Ends a request, if there still is one of this number, by its event.
  void cancel(Id id);
  /// Evaluates a block and gives what came of it to the handlers. Returns
  /// whether requests are left.
  bool step();
  /// Steps until no requests are left.
  void run();

  size_t waitingRequests() const { return waiting.size(); }
  size_t activeRequests() const { return active.size(); }
  /// Pages of the context, and those that no sequence holds.
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
  std::list<Parked> parked;           ///< used last at the end
  std::unique_ptr<PrefixStore> store; ///< null: nothing is kept in files
  bool isStepping = false;
  Id nextId = 1;
  Speed prefill, decode;
  DraftCounts drafts;
  DraftOptions draftOptions;
  DraftPolicy policy;
  AcceptanceBySource acceptance;          ///< of all answers
  std::unique_ptr<DraftModel> draftModel; ///< null: none
  double draftSeconds = 0;                ///< that the drafts of a step took
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ENGINE_H
