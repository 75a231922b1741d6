//===- Engine.cpp - Requests in, events out -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"

#include <algorithm>
#include <chrono>
#include <numeric>

using namespace sherry;
using namespace sherry::engine;

// Of a context, see sherry.h.
static constexpr size_t kMostSequences = 1024;
static constexpr size_t kPagePositions = 64;

static size_t pagesOf(size_t positions) {
  return (positions + kPagePositions - 1) / kPagePositions;
}

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
  const auto vocabSize = static_cast<int64_t>(sherry_model_vocab_size(model));
  for (int32_t token : request.prompt)
    if (token < 0 || token >= vocabSize)
      throw std::runtime_error("token " + std::to_string(token) +
                               " is not in [0, " + std::to_string(vocabSize) +
                               ")");
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
    while (active.size() + parked.size() > kMostSequences && evict())
      ;
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
