//===- Replies.cpp - Answers as OpenAI's API has them ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answers.h"

#include <algorithm>
#include <utility>

using namespace sherry;
using namespace sherry::serve;

Json Answers::makeHeader(bool isChunk) const {
  const char *object = !prompts.isChat ? "text_completion"
                       : isChunk       ? "chat.completion.chunk"
                                       : "chat.completion";
  return {{"id", id},
          {"object", object},
          {"created", created},
          {"model", service.name},
          {"system_fingerprint", service.fingerprint}};
}

Json Answers::makeUsage() const {
  const Usage &usage = exchange->usage;
  return {{"prompt_tokens", usage.promptTokens},
          {"completion_tokens", usage.completionTokens},
          {"total_tokens", usage.promptTokens + usage.completionTokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cachedTokens}}}};
}

/// The timings of the first choice, in the form of llama.cpp's server.
Json Answers::makeTimings() const {
  const Choice &choice = choices.front();
  const size_t prompt = prompts.tokens.front().size() - choice.cached;
  const double promptSeconds = secondsBetween(
      choice.start, choice.count > 0 ? choice.firstToken : choice.end);
  const double seconds =
      choice.count > 0 ? secondsBetween(choice.firstToken, choice.end) : 0;
  auto perSecond = [](size_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
  };
  const size_t next = choice.count > 0 ? choice.count - 1 : 0;
  return {{"cache_n", choice.cached},
          {"prompt_n", prompt},
          {"prompt_ms", promptSeconds * 1000},
          {"prompt_per_second", perSecond(prompt, promptSeconds)},
          {"predicted_n", choice.count},
          {"predicted_ms", seconds * 1000},
          {"predicted_per_second", perSecond(next, seconds)},
          {"draft_n", choice.drafts.drafted},
          {"draft_n_accepted", choice.drafts.accepted}};
}

static Json logprobsOf(const sherry_model *model, bool isChat,
                       const std::vector<LoggedToken> &logged) {
  return isChat ? toChatLogprobs(model, logged)
                : toCompletionLogprobs(model, logged);
}

Json Answers::makeMessage(const Choice &choice) {
  Json message = {{"role", "assistant"}, {"content", choice.text}};
  if (choice.calls.empty())
    return message;
  if (choice.text.empty())
    message["content"] = nullptr;
  Json &calls = message["tool_calls"] = Json::array();
  for (const Call &call : choice.calls)
    calls.push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  return message;
}

Json Answers::makeChoice(const Choice &choice) const {
  Json result = {{"index", choice.index}};
  if (prompts.isChat)
    result["message"] = makeMessage(choice);
  else
    result["text"] = choice.text;
  result["logprobs"] =
      parameters.logprobs
          ? logprobsOf(service.model, prompts.isChat, choice.logged)
          : Json();
  result["finish_reason"] = choice.finishReason;
  if (parameters.returnsTokens)
    result["token_ids"] = choice.tokens;
  return result;
}

Json Answers::makeChunk(Choice &choice, Json said) {
  Json entry = {{"index", choice.index}};
  if (prompts.isChat)
    entry["delta"] = std::move(said);
  else
    entry.update(said);
  entry["logprobs"] =
      parameters.logprobs && !choice.logged.empty()
          ? logprobsOf(service.model, prompts.isChat, choice.logged)
          : Json();
  choice.logged.clear();
  entry["finish_reason"] =
      choice.finishReason ? Json(choice.finishReason) : Json();
  if (parameters.returnsTokens)
    entry["token_ids"] = std::exchange(choice.tokens, {});
  Json chunk = makeHeader(/*isChunk=*/true);
  chunk["choices"] = Json::array({std::move(entry)});
  if (parameters.includesUsage)
    chunk["usage"] = nullptr;
  return chunk;
}

void Answers::sendChunk(Choice &choice, Json said) {
  if (!isFailed)
    exchange->event(dump(makeChunk(choice, std::move(said))));
}

void Answers::beginStream() {
  exchange->beginStream();
  if (!prompts.isChat)
    return;
  for (const Choice &choice : choices) {
    Json chunk = makeHeader(/*isChunk=*/true);
    chunk["choices"] =
        Json::array({{{"index", choice.index},
                      {"delta", {{"role", "assistant"}, {"content", ""}}},
                      {"logprobs", nullptr},
                      {"finish_reason", nullptr}}});
    if (parameters.includesUsage)
      chunk["usage"] = nullptr;
    exchange->event(dump(chunk));
  }
}

/// Keeps the choices of each prompt with the highest log probability per token.
void Answers::rankChoices() {
  auto meanOf = [](const Choice &choice) {
    return choice.count > 0 ? choice.sum / static_cast<double>(choice.count)
                            : 0;
  };
  std::vector<Choice> best;
  for (size_t i = 0; i < choices.size(); i += parameters.bestOf) {
    const auto begin = choices.begin() + static_cast<ptrdiff_t>(i);
    std::stable_sort(begin, begin + static_cast<ptrdiff_t>(parameters.bestOf),
                     [&](const Choice &a, const Choice &b) {
                       return meanOf(a) > meanOf(b);
                     });
    for (size_t j = 0; j < parameters.choices; ++j) {
      best.push_back(std::move(choices[i + j]));
      best.back().index = best.size() - 1;
    }
  }
  choices = std::move(best);
}

void Answers::reply() {
  try {
    if (parameters.bestOf > parameters.choices)
      rankChoices();
    Json result = makeHeader(/*isChunk=*/false);
    result["choices"] = Json::array();
    for (const Choice &choice : choices)
      result["choices"].push_back(makeChoice(choice));
    result["usage"] = makeUsage();
    result["timings"] = makeTimings();
    exchange->respond(200, result);
  } catch (...) {
    exchange->failByException();
  }
}
