//===- Answers.cpp - Answers on their way to a client ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answers.h"
#include "sherry/engine/Tokens.h"

#include <algorithm>
#include <ctime>
#include <random>

using namespace sherry;
using namespace sherry::serve;
using engine::EndReason;

/// The most log probabilities of a reply, for all its tokens.
static constexpr size_t kMostLogprobs = size_t{1} << 19;

static std::string makeId(const char *prefix) {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[40];
  std::snprintf(text, sizeof(text), "%s%016llx", prefix,
                static_cast<unsigned long long>(random()));
  return text;
}

Answers::Answers(Service &service, ExchangePtr exchange, Parameters parameters,
                 Prompts prompts)
    : service(service), exchange(std::move(exchange)),
      parameters(std::move(parameters)), prompts(std::move(prompts)),
      id(makeId(this->prompts.isChat ? "chatcmpl-" : "cmpl-")),
      created(std::time(nullptr)) {}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

void Answers::submit() {
  const size_t capacity = service.scheduler.capacity();
  for (const auto &tokens : prompts.tokens) {
    if (tokens.empty())
      throw ApiError("the prompt has no tokens",
                     prompts.isChat ? "messages" : "prompt");
    if (tokens.size() > capacity)
      throw ApiError(
          "the prompt has " + std::to_string(tokens.size()) +
              " tokens, the context " + std::to_string(capacity) + " positions",
          prompts.isChat ? "messages" : "prompt", "context_length_exceeded");
  }
  const size_t count = prompts.tokens.size() * parameters.bestOf;
  if (count > service.scheduler.maxRequests())
    throw ApiError(
        "asks for " + std::to_string(count) + " answers, more than the " +
            std::to_string(service.scheduler.maxRequests()) + " that may wait",
        "n");
  checkLogprobs();
  choices.resize(count); // never moved from here on
  std::vector<engine::Request> requests;
  for (size_t i = 0; i < count; ++i) {
    choices[i].index = i;
    choices[i].prompt = i / parameters.bestOf;
    requests.push_back(makeRequest(choices[i]));
  }
  left = count;
  if (!service.scheduler.reserve(count))
    throw ApiError("too many requests wait already; try again later", "",
                   "queue_full", 429);
  if (parameters.isStream)
    beginStream();
  service.scheduler.submit(exchange->client(), std::move(requests));
}

/// Writing a long reply would delay the requests of others.
void Answers::checkLogprobs() const {
  if (!parameters.logprobs)
    return;
  size_t tokens = 0;
  for (const auto &prompt : prompts.tokens) {
    const size_t room = service.scheduler.capacity() - prompt.size();
    const size_t most =
        parameters.maxTokens < 0
            ? room
            : std::min(room, static_cast<size_t>(parameters.maxTokens));
    tokens +=
        parameters.bestOf * (most + (parameters.echoes ? prompt.size() : 0));
  }
  if (tokens * (*parameters.logprobs + 1) > kMostLogprobs)
    throw ApiError("are more than " + std::to_string(kMostLogprobs) +
                       " for all tokens together; ask for fewer, or in parts",
                   "logprobs");
}

engine::Request Answers::makeRequest(Choice &choice) {
  // Only the scheduler's thread calls handlers.
  auto self = shared_from_this();
  engine::Request request;
  request.prompt = prompts.tokens[choice.prompt];
  request.sampler = parameters.makeSampler(choice.index % parameters.bestOf);
  std::vector<int32_t> endTokens = prompts.endTokens;
  endTokens.insert(endTokens.end(), parameters.endTokens.begin(),
                   parameters.endTokens.end());
  const Tools &tools = parameters.tools;
  if (!tools.list.empty())
    choice.parser.emplace(tools.form);
  if (tools.answer)
    request.constraint = service.grammars.constrain(*tools.answer, endTokens);
  else if (tools.call)
    request.constraint = service.grammars.constrainCalls(tools, endTokens);
  else if (parameters.grammar)
    request.constraint =
        service.grammars.constrain(*parameters.grammar, endTokens);
  request.maxTokens = parameters.maxTokens;
  request.stops = parameters.stops;
  if (!prompts.endText.empty())
    request.stops.push_back(prompts.endText);
  request.endTokens = endTokens;
  request.ignoreEos = parameters.ignoresEos;
  request.logprobs = parameters.logprobs;
  if (parameters.bestOf > parameters.choices && !request.logprobs)
    request.logprobs = 0;
  request.continuesText = !prompts.isChat;
  request.owner = exchange->owner;
  request.onStart = [self, &choice](size_t cached) {
    choice.start = choice.lastToken = Clock::now();
    choice.cached = cached;
    self->service.metrics.observeQueue(
        secondsBetween(self->exchange->begin, choice.start));
    self->service.metrics.countTokens(
        self->prompts.tokens[choice.prompt].size(), cached);
  };
  request.onPrompt = [self, &choice](int32_t token, std::string_view text) {
    self->onPrompt(choice, token, text);
  };
  if (parameters.echoes && parameters.logprobs) {
    request.promptLogprobs = parameters.logprobs;
    request.onPromptLogprob = [&choice](size_t place,
                                        const engine::RankedLogprob &score) {
      choice.logged[place].logprob = score;
    };
  }
  request.onToken = [self, &choice](const engine::TokenEvent &event) {
    self->onToken(choice, event);
  };
  request.onEnd = [self, &choice](const engine::EndEvent &event) {
    self->onEnd(choice, event);
  };
  request.onError = [self](const std::exception &error) {
    self->onError(error);
  };
  request.isCancelled = [self] {
    return self->isFailed || self->exchange->isGone();
  };
  return request;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

void Answers::onPrompt(Choice &choice, int32_t token, std::string_view text) {
  if (parameters.echoes) {
    if (parameters.logprobs)
      choice.logged.push_back({token, std::nullopt, choice.offset});
    choice.text += text;
    choice.offset += countCharacters(text);
  }
}

void Answers::onToken(Choice &choice, const engine::TokenEvent &event) {
  const auto now = Clock::now();
  if (choice.count++ == 0) {
    choice.firstToken = now;
    const double seconds = secondsBetween(exchange->begin, now);
    service.metrics.observeFirstToken(seconds);
    if (exchange->firstTokenSeconds < 0)
      exchange->firstTokenSeconds = seconds;
  } else {
    service.metrics.observeNextToken(secondsBetween(choice.lastToken, now));
  }
  service.metrics.countGenerated();
  choice.lastToken = now;
  if (event.logprob)
    choice.sum += event.logprob->logprob;
  // A token that is not part of the text gets no log probability.
  if (parameters.logprobs && !(event.isStopped && event.text.empty())) {
    choice.logged.push_back({event.token, event.logprob, choice.offset});
    choice.offset +=
        countCharacters(engine::bytesOf(service.model, event.token));
  }
  if (parameters.returnsTokens)
    choice.tokens.push_back(event.token);
  const bool isFirst = choice.count == 1 && parameters.isStream;
  say(choice, isFirst ? choice.text + event.text : event.text);
}

/// The JSON of a text: the field of a completion, or a chat's delta.
static Json toDelta(bool isChat, const std::string &text) {
  return {{isChat ? "content" : "text", text}};
}

/// Appends a part of the answer's text.
void Answers::say(Choice &choice, const std::string &text) {
  if (choice.parser)
    return takeCalls(choice, choice.parser->push(text));
  if (!parameters.isStream)
    choice.text += text;
  else if (!text.empty() || !choice.logged.empty() || !choice.tokens.empty())
    sendChunk(choice, toDelta(prompts.isChat, text));
}

void Answers::takeCalls(Choice &choice, const std::vector<ToolEvent> &events) {
  for (const ToolEvent &event : events) {
    if (event.kind == ToolEvent::Kind::Content) {
      if (parameters.isStream)
        sendChunk(choice, toDelta(/*isChat=*/true, event.text));
      else
        choice.text += event.text;
      continue;
    }
    Json delta;
    if (event.kind == ToolEvent::Kind::Call) {
      choice.calls.push_back({makeId("call_"), event.text, ""});
      delta = {{"index", choice.calls.size() - 1},
               {"id", choice.calls.back().id},
               {"type", "function"},
               {"function", {{"name", event.text}, {"arguments", ""}}}};
    } else {
      choice.calls.back().arguments += event.text;
      delta = {{"index", choice.calls.size() - 1},
               {"function", {{"arguments", event.text}}}};
    }
    if (parameters.isStream)
      sendChunk(choice, {{"tool_calls", Json::array({std::move(delta)})}});
  }
}

void Answers::onEnd(Choice &choice, const engine::EndEvent &event) {
  choice.end = Clock::now();
  choice.drafts = event.drafts;
  const bool isStop =
      event.reason == EndReason::Eos || event.reason == EndReason::Stop;
  if (event.reason == EndReason::Cancelled)
    isFailed = true; // the client has disconnected
  const bool isFirst = choice.count == 0 && parameters.isStream;
  say(choice, isFirst ? choice.text + event.rest : event.rest);
  if (choice.parser)
    takeCalls(choice, choice.parser->finish());
  choice.finishReason = !isStop ? "length"
                        : choice.calls.empty() || choice.parser->isInCall()
                            ? "stop"
                            : "tool_calls";
  if (parameters.isStream)
    sendChunk(choice,
              prompts.isChat ? Json::object() : toDelta(/*isChat=*/false, ""));
  if (--left == 0)
    finish();
}

void Answers::onError(const std::exception &error) {
  // Cancels the other choices, so that the client gets one error.
  isFailed = true;
  if (!std::exchange(hasReplied, true))
    exchange->fail(ApiError(error.what(), "", "", 500));
  --left;
}

void Answers::finish() {
  exchange->usage.completionTokens = 0;
  for (const Choice &choice : choices)
    exchange->usage.completionTokens += choice.count;
  for (const auto &tokens : prompts.tokens)
    exchange->usage.promptTokens += tokens.size();
  for (size_t i = 0; i < choices.size(); i += parameters.bestOf)
    exchange->usage.cachedTokens += choices[i].cached;
  if (std::exchange(hasReplied, true))
    return;
  if (isFailed) // the client has disconnected, or got an error
    return exchange->fail(ApiError("cancelled", "", "", 503));
  if (!parameters.isStream)
    return service.worker.post([self = shared_from_this()] { self->reply(); });
  Json last = makeHeader(/*isChunk=*/true);
  last["choices"] = Json::array();
  last["usage"] = makeUsage();
  last["timings"] = makeTimings();
  if (parameters.includesUsage)
    exchange->event(dump(last));
  exchange->endStream("[DONE]");
}
