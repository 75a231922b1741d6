//===- Engine.cpp - Requests in, events out -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "DraftModel.h"
#include "PrefixStore.h"

using namespace sherry;
using namespace sherry::engine;

void sherry::engine::checkTokens(const sherry_model *model,
                                 const std::vector<int32_t> &tokens) {
  const auto vocabSize = static_cast<int64_t>(sherry_model_vocab_size(model));
  for (int32_t token : tokens)
    if (token < 0 || token >= vocabSize)
      throw std::runtime_error("token " + std::to_string(token) +
                               " is not in [0, " + std::to_string(vocabSize) +
                               ")");
}

PromptTooLong::PromptTooLong(size_t size, size_t capacity)
    : std::runtime_error("the prompt has " + std::to_string(size) +
                         " tokens, more than the " + std::to_string(capacity) +
                         " positions of the context"),
      size(size), capacity(capacity) {}

Engine::Engine(const sherry_model *model, const sherry_context_options &options)
    : model(model), context(check(sherry_context_create(model, &options))),
      maxActive(std::max<size_t>(options.sequences, 1)) {
  // Sequences are created when a request starts.
  for (uint32_t i = 0; i < sherry_context_sequences(context.get()); ++i)
    check(sherry_sequence_drop(context.get(), i));
}

Engine::~Engine() = default;

size_t Engine::capacity() const {
  return std::min<size_t>(sherry_context_size(context.get()),
                          pages() * SHERRY_PAGE_POSITIONS);
}

uint32_t Engine::threads() const {
  return sherry_context_threads(context.get());
}

size_t Engine::pages() const { return sherry_context_pages(context.get()); }

size_t Engine::freePages() const {
  return sherry_context_free_pages(context.get());
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

static void checkRequest(const sherry_model *model, const Request &request) {
  if (request.prompt.empty())
    throw std::runtime_error("the prompt has no tokens");
  checkTokens(model, request.prompt);
  if (std::any_of(request.stops.begin(), request.stops.end(),
                  [](const std::string &stop) { return stop.empty(); }))
    throw std::runtime_error("a text that ends the answer must not be empty");
  if (!request.stops.empty() && !sherry_model_has_tokenizer(model))
    throw std::runtime_error(
        "the model has no tokenizer, so no text can end the answer");
  if (request.promptLogprobs &&
      (request.promptLogprobsFrom < 1 ||
       request.promptLogprobsFrom > request.prompt.size()))
    throw std::runtime_error("the prompt has no token with the index " +
                             std::to_string(request.promptLogprobsFrom));
  if (request.promptLogprobs && request.contextShift)
    throw std::runtime_error("log probabilities of a prompt cannot be given "
                             "with a context shift, which may forget it");
  if (request.pooling != Pooling::None &&
      (request.maxTokens != 0 || request.promptLogprobs ||
       request.onPromptLogits))
    throw std::runtime_error("hidden states cannot be given together with "
                             "tokens or their probabilities");
}

Engine::Id Engine::submit(Request request) {
  checkRequest(model, request);
  const Id id = nextId++;
  auto answer = std::make_unique<Answer>(model, id, std::move(request));
  if (answer->left() > capacity())
    throw PromptTooLong(answer->promptSize, capacity());
  const bool mayGrow =
      answer->request.maxTokens < 0 || answer->request.contextShift;
  const size_t most =
      mayGrow ? capacity()
              : std::min(capacity(),
                         answer->promptSize +
                             static_cast<size_t>(answer->request.maxTokens));
  answer->pages = pagesOf(most);
  for (int32_t token : answer->request.prompt) {
    std::string text;
    if (answer->request.continuesText)
      text = answer->text.pushPrompt(token);
    if (answer->request.onPrompt)
      answer->request.onPrompt(token, text);
  }
  waiting.push_back(std::move(answer));
  return id;
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
      answer->request.onEnd({EndReason::Cancelled, "", false, 0, {}});
  } else if (running != active.end() && isStepping) {
    (*running)->wasCancelled = true; // it ends later in this step
  } else if (running != active.end()) {
    finish(**running, EndReason::Cancelled);
  }
}

bool Engine::step() {
  if (isStepping)
    throw std::runtime_error("a handler of a request must not call step()");
  struct Stepping {
    bool &flag;
    explicit Stepping(bool &flag) : flag(flag) { flag = true; }
    ~Stepping() { flag = false; }
  } stepping(isStepping);
  admit();
  std::vector<Share> shares = divideBlock();
  std::exception_ptr error;
  const int64_t accepted = drafts.accepted;
  size_t drafted = 0;
  const bool decodes =
      std::all_of(shares.begin(), shares.end(),
                  [](const Share &share) { return share.isDecode(); });
  if (!shares.empty()) {
    try {
      draft(shares);
      makeRoom(shares);
      evaluate(shares);
      for (const Share &share : shares) {
        share.answer->read.position += share.count;
        share.answer->drafts.drafted +=
            static_cast<int64_t>(share.answer->draft.size);
        drafted += share.answer->draft.size;
      }
    } catch (...) {
      for (const Share &share : shares)
        share.answer->error = std::current_exception();
    }
  }
  for (const Share &share : shares) {
    try {
      takeOutputs(share);
    } catch (...) {
      if (!error)
        error = std::current_exception();
    }
  }
  drafts.drafted += static_cast<int64_t>(drafted);
  if (decodes)
    policy.settle(shares.size(), drafted,
                  static_cast<size_t>(drafts.accepted - accepted),
                  draftSeconds);
  if (error)
    std::rethrow_exception(error);
  return !active.empty() || !waiting.empty();
}

void Engine::run() {
  while (step())
    ;
}
