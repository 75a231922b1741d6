//===- Engine.cpp - Requests in, events out -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Engine.h"
#include "AnswerText.h"

#include <algorithm>
#include <chrono>
#include <numeric>

using namespace sherry;
using namespace sherry::engine;

/// Sequences that are kept for what they have read.
static constexpr size_t kMostParked = 64;
static constexpr size_t kPagePositions = 64;

static size_t pagesOf(size_t positions) {
  return (positions + kPagePositions - 1) / kPagePositions;
}

/// Tokens that two lists have in common at the beginning.
static size_t countCommon(const std::vector<int32_t> &a,
                          const std::vector<int32_t> &b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

/// A request that is being answered.
struct Engine::Answer {
  Answer(const sherry_model *model, Id id, Request given)
      : id(id), request(std::move(given)), text(model, request.stops),
        tokens(request.prompt), promptSize(tokens.size()) {
    if (!request.sampler)
      request.sampler.reset(check(sherry_sampler_create(&request.sampling)),
                            sherry_sampler_destroy);
  }

  /// Tokens that are to be read.
  size_t left() const { return tokens.size() - position; }
  bool isCancelled() const {
    return wasCancelled || (request.isCancelled && request.isCancelled());
  }

  Id id;
  Request request;
  AnswerText text;
  std::vector<int32_t> tokens; ///< all that the answer follows from
  size_t position = 0;         ///< of them are read
  size_t promptSize;
  int64_t count = 0; ///< tokens of the answer
  bool hasReadPrompt = false, wasCancelled = false;
  uint32_t sequence = 0;
  size_t pages = 0; ///< that it may need
  // What a step has brought.
  std::optional<TokenEvent> next;
  std::exception_ptr error;
};

/// What a request has of a block.
struct Engine::Share {
  Answer *answer;
  size_t count;
  bool isLast; ///< nothing is left to read then
};

Engine::Engine(const sherry_model *model, const sherry_context_options &options)
    : model(model), context(check(sherry_context_create(model, &options))),
      maxActive(std::max<size_t>(options.sequences, 1)) {
  // Sequences are made when there is something to read.
  for (uint32_t i = 0; i < sherry_context_sequences(context.get()); ++i)
    check(sherry_sequence_drop(context.get(), i));
}

Engine::~Engine() = default;

size_t Engine::capacity() const { return sherry_context_size(context.get()); }

uint32_t Engine::threads() const {
  return sherry_context_threads(context.get());
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

Engine::Id Engine::submit(Request request) {
  if (request.prompt.empty())
    throw std::runtime_error("the prompt has no tokens");
  if (request.prompt.size() > capacity())
    throw std::runtime_error(
        "the prompt has " + std::to_string(request.prompt.size()) +
        " tokens, more than the " + std::to_string(capacity()) +
        " positions of the context");
  auto answer = std::make_unique<Answer>(model, nextId, std::move(request));
  const bool mayGrow =
      answer->request.maxTokens < 0 || answer->request.contextShift;
  const size_t most =
      mayGrow ? capacity()
              : std::min(capacity(),
                         answer->promptSize +
                             static_cast<size_t>(answer->request.maxTokens));
  answer->pages = pagesOf(most);
  if (answer->pages > sherry_context_pages(context.get()))
    throw std::runtime_error(
        "the request may need " + std::to_string(answer->pages) +
        " pages of the cache, which has " +
        std::to_string(sherry_context_pages(context.get())) +
        "; ask for fewer tokens");
  if (answer->request.onPrompt)
    for (int32_t token : answer->tokens)
      answer->request.onPrompt(token, answer->text.pushPrompt(token));
  waiting.push_back(std::move(answer));
  return nextId++;
}

void Engine::cancel(Id id) {
  auto hasId = [&](const std::unique_ptr<Answer> &answer) {
    return answer->id == id;
  };
  const auto queued = std::find_if(waiting.begin(), waiting.end(), hasId);
  const auto running = std::find_if(active.begin(), active.end(), hasId);
  if (queued != waiting.end()) {
    const std::unique_ptr<Answer> answer = std::move(*queued);
    waiting.erase(queued);
    if (answer->request.onEnd)
      answer->request.onEnd({EndReason::Cancelled, "", false});
  } else if (running != active.end() && isStepping) {
    (*running)->wasCancelled = true; // its turn comes
  } else if (running != active.end()) {
    finish(**running, EndReason::Cancelled);
  }
}

/// Starts requests, in order, whose pages are sure to be there.
void Engine::admit() {
  while (!waiting.empty() && active.size() < maxActive &&
         reserved + waiting.front()->pages <=
             sherry_context_pages(context.get())) {
    active.push_back(std::move(waiting.front()));
    waiting.pop_front();
    Answer &answer = *active.back();
    reserved += answer.pages;
    start(answer);
  }
}

/// Gives a request its sequence, with what another one has read already.
void Engine::start(Answer &answer) {
  sherry_sampler_accept(answer.request.sampler.get(), -1);
  for (int32_t token : answer.tokens)
    sherry_sampler_accept(answer.request.sampler.get(), token);
  // The logits after the last one are needed.
  const size_t most =
      answer.request.onPromptLogits ? 0 : answer.tokens.size() - 1;
  size_t best = 0;
  uint32_t from = 0;
  auto consider = [&](uint32_t sequence, const std::string &owner,
                      const std::vector<int32_t> &read, size_t count) {
    if (owner != answer.request.owner)
      return false;
    const size_t common =
        std::min({countCommon(read, answer.tokens), count, most});
    if (common <= best)
      return false;
    best = common;
    from = sequence;
    return true;
  };
  for (const auto &other : active)
    if (other.get() != &answer)
      consider(other->sequence, other->request.owner, other->tokens,
               other->position);
  auto source = parked.end();
  for (auto it = parked.begin(); it != parked.end(); ++it)
    if (consider(it->sequence, it->owner, it->tokens, it->tokens.size()))
      source = it;
  answer.position = best;
  if (source != parked.end() && best == source->tokens.size()) {
    answer.sequence = from;
    parked.erase(source);
    return;
  }
  if (source != parked.end())
    parked.splice(parked.end(), parked, source);
  answer.sequence = static_cast<uint32_t>(
      check(best > 0 ? sherry_sequence_fork(context.get(), from,
                                            static_cast<uint32_t>(best))
                     : sherry_sequence_create(context.get())));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// A token for each request that is being answered; those whose prompts are
/// read share the rest evenly, and what is short is read first.
std::vector<Engine::Share> Engine::divideBlock() {
  std::vector<Share> shares, prompts;
  for (const auto &answer : active)
    (answer->left() == 1 ? shares : prompts)
        .push_back({answer.get(), 1, answer->left() == 1});
  std::stable_sort(prompts.begin(), prompts.end(),
                   [](const Share &a, const Share &b) {
                     return a.answer->left() < b.answer->left();
                   });
  const size_t block = sherry_context_block(context.get());
  size_t rest = block - std::min(block, shares.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    Share share = prompts[i];
    share.count = std::clamp<size_t>(rest / (prompts.size() - i), 1,
                                     share.answer->left());
    share.isLast = share.count == share.answer->left();
    rest -= std::min(rest, share.count);
    shares.push_back(share);
  }
  return shares;
}

bool Engine::evict() {
  if (parked.empty())
    return false;
  sherry_sequence_drop(context.get(), parked.front().sequence);
  parked.pop_front();
  return true;
}

/// Makes sure that there are pages for what is read next. What is reserved is
/// there without the parked sequences.
void Engine::makeRoom(const std::vector<Share> &shares) {
  size_t needed = 0;
  for (const Share &share : shares) {
    const size_t position = share.answer->position;
    needed += pagesOf(position + share.count) - pagesOf(position);
    needed += position % kPagePositions != 0; // it may be shared
  }
  while (sherry_context_free_pages(context.get()) < needed && evict())
    ;
}

/// The likeliest tokens first.
static std::vector<TokenLogprob> rank(const float *logits, uint32_t vocabSize,
                                      const LogSoftmax &logSoftmax,
                                      uint32_t count) {
  std::vector<int32_t> tokens(vocabSize);
  std::iota(tokens.begin(), tokens.end(), 0);
  count = std::min(count, vocabSize);
  std::partial_sort(tokens.begin(), tokens.begin() + count, tokens.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b]
                                                    : a < b;
                    });
  std::vector<TokenLogprob> result;
  for (uint32_t i = 0; i < count; ++i)
    result.push_back({tokens[i], logSoftmax(tokens[i])});
  return result;
}

/// Takes the logits after token `index` of a share.
void Engine::receive(Share &share, int64_t index, const float *logits) {
  Answer &answer = *share.answer;
  const Request &request = answer.request;
  const size_t place = answer.position + static_cast<size_t>(index);
  if (request.onPromptLogits && !answer.hasReadPrompt)
    request.onPromptLogits(static_cast<int64_t>(place), logits);
  if (!share.isLast || static_cast<size_t>(index) + 1 != share.count)
    return;
  if (!answer.hasReadPrompt && answer.isCancelled()) {
    answer.wasCancelled = true;
    return;
  }
  if (request.maxTokens == 0)
    return;
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  TokenEvent event = {};
  event.token = check(sherry_sample(request.sampler.get(), logits, vocabSize));
  if (request.logprobs) {
    const LogSoftmax logSoftmax(logits, vocabSize);
    event.logprob = logSoftmax(event.token);
    event.top = rank(logits, vocabSize, logSoftmax, *request.logprobs);
  }
  answer.next = std::move(event);
}

void Engine::evaluate(std::vector<Share> &shares) {
  std::vector<sherry_batch_entry> entries;
  size_t numPrefill = 0, numTokens = 0;
  for (const Share &share : shares) {
    const Answer &answer = *share.answer;
    const bool wantsAll =
        answer.request.onPromptLogits && !answer.hasReadPrompt;
    entries.push_back({answer.sequence,
                       wantsAll       ? SHERRY_LOGITS_ALL
                       : share.isLast ? SHERRY_LOGITS_LAST
                                      : SHERRY_LOGITS_NONE,
                       answer.tokens.data() + answer.position,
                       static_cast<int64_t>(share.count)});
    numTokens += share.count;
    if (share.count > 1 || !answer.hasReadPrompt)
      numPrefill += share.count;
  }
  struct Sink {
    Engine &engine;
    std::vector<Share> &shares;
  } sink = {*this, shares};
  // The C interface must not be left by an exception.
  auto pass = [](void *user, int64_t entry, int64_t index,
                 const float *logits) {
    auto &sink = *static_cast<Sink *>(user);
    Share &share = sink.shares[static_cast<size_t>(entry)];
    try {
      if (!share.answer->error)
        sink.engine.receive(share, index, logits);
    } catch (...) {
      share.answer->error = std::current_exception();
    }
  };
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  check(sherry_eval_batch(context.get(), entries.data(),
                          static_cast<int64_t>(entries.size()), pass, &sink));
  const double seconds =
      std::chrono::duration<double>(Clock::now() - begin).count() /
      static_cast<double>(numTokens);
  prefill.seconds += seconds * static_cast<double>(numPrefill);
  prefill.tokens += static_cast<int64_t>(numPrefill);
  decode.seconds += seconds * static_cast<double>(numTokens - numPrefill);
  decode.tokens += static_cast<int64_t>(numTokens - numPrefill);
}

bool Engine::step() {
  admit();
  std::vector<Share> shares = divideBlock();
  if (shares.empty())
    return false;
  makeRoom(shares);
  evaluate(shares);
  struct Stepping {
    bool &flag;
    explicit Stepping(bool &flag) : flag(flag) { flag = true; }
    ~Stepping() { flag = false; }
  } stepping(isStepping);
  for (const Share &share : shares)
    share.answer->position += share.count;
  for (const Share &share : shares)
    takeOutputs(share);
  return !active.empty() || !waiting.empty();
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Takes a request off the list, and parks what it has read.
std::unique_ptr<Engine::Answer> Engine::remove(Answer &answer) {
  const auto it = std::find_if(active.begin(), active.end(),
                               [&](const std::unique_ptr<Answer> &other) {
                                 return other.get() == &answer;
                               });
  std::unique_ptr<Answer> owner = std::move(*it);
  active.erase(it);
  reserved -= owner->pages;
  owner->tokens.resize(owner->position);
  parked.push_back(
      {owner->sequence, owner->request.owner, std::move(owner->tokens)});
  if (parked.size() > kMostParked)
    evict();
  return owner;
}

void Engine::finish(Answer &answer, EndReason reason) {
  const std::unique_ptr<Answer> owner = remove(answer);
  const std::string rest = owner->text.finish(reason == EndReason::Stop);
  if (owner->request.onEnd)
    owner->request.onEnd({reason, rest, owner->hasReadPrompt});
}

/// Ends a request by the exception that is being handled.
void Engine::fail(Answer &answer) {
  const std::unique_ptr<Answer> owner = remove(answer);
  if (!owner->request.onError)
    throw;
  try {
    throw;
  } catch (const std::exception &error) {
    owner->request.onError(error);
  }
}

void Engine::takeOutputs(const Share &share) {
  Answer &answer = *share.answer;
  try {
    if (answer.error)
      std::rethrow_exception(answer.error);
    if (answer.wasCancelled || (!answer.hasReadPrompt && answer.isCancelled()))
      return finish(answer, EndReason::Cancelled);
    if (!share.isLast)
      return;
    answer.hasReadPrompt = true;
    if (answer.request.maxTokens == 0)
      return finish(answer, EndReason::Length);
    giveToken(answer);
  } catch (...) {
    const bool isActive =
        std::any_of(active.begin(), active.end(),
                    [&](const std::unique_ptr<Answer> &other) {
                      return other.get() == &answer;
                    });
    if (!isActive) // its last event was refused
      throw;
    fail(answer);
  }
}

/// Gives the token that was picked to the handler, and goes on to the next.
void Engine::giveToken(Answer &answer) {
  const Request &request = answer.request;
  TokenEvent event = std::move(*answer.next);
  answer.next.reset();
  const bool isEnd =
      sherry_model_is_eos(model, event.token) ||
      std::find(request.endTokens.begin(), request.endTokens.end(),
                event.token) != request.endTokens.end();
  if (isEnd && !request.ignoreEos)
    return finish(answer, EndReason::Eos);
  sherry_sampler_accept(request.sampler.get(), event.token);
  answer.tokens.push_back(event.token);
  bool isStopped = false;
  event.text = answer.text.push(event.token, isStopped);
  if (request.onToken)
    request.onToken(event);
  if (isStopped)
    return finish(answer, EndReason::Stop);
  if (++answer.count == request.maxTokens)
    return finish(answer, EndReason::Length);
  if (answer.isCancelled())
    return finish(answer, EndReason::Cancelled);
  while (answer.tokens.size() > capacity())
    if (!request.contextShift || !forget(answer))
      return finish(answer, EndReason::ContextFull);
}

/// Makes room for a token. What comes after those that are forgotten is read
/// anew: what the context holds of a token depends on its place. False: there
/// is nothing to forget.
bool Engine::forget(Answer &answer) {
  const Request &request = answer.request;
  std::vector<int32_t> wanted;
  if (request.shorten)
    wanted = request.shorten();
  auto rest = answer.tokens.begin();
  if (!wanted.empty()) {
    rest += static_cast<ptrdiff_t>(answer.promptSize);
    answer.promptSize = wanted.size();
  } else {
    // A question that cannot be shorter is kept as a whole.
    const size_t keep =
        request.shorten ? answer.promptSize : std::max<size_t>(request.keep, 1);
    if (keep + 1 >= capacity())
      return false;
    wanted.assign(rest, rest + static_cast<ptrdiff_t>(keep));
    // The last one has yet to be read.
    const size_t read = answer.tokens.size() - 1;
    rest += static_cast<ptrdiff_t>(keep + (read - keep + 1) / 2);
  }
  wanted.insert(wanted.end(), rest, answer.tokens.end());
  const size_t same =
      std::min(countCommon(answer.tokens, wanted), wanted.size() - 1);
  check(sherry_context_truncate(context.get(), answer.sequence,
                                static_cast<uint32_t>(same)));
  answer.tokens = std::move(wanted);
  answer.position = same;
  return true;
}
