//===- Chat.cpp - Talks with a model --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Chat.h"

#include <algorithm>

using namespace sherry;
using namespace sherry::engine;

Messages Chat::beginning() const {
  const bool hasSystem = !all.empty() && all.front().role == Role::System;
  return hasSystem ? Messages{all.front()} : Messages{};
}

void Chat::begin(Messages before) {
  all = std::move(before);
  numKept = firstShown = 0;
}

/// The tokens that the model sees if `first` is the first shown question.
std::vector<int32_t> Chat::write(size_t first) const {
  Messages shown(all.begin(), all.begin() + static_cast<ptrdiff_t>(numKept));
  shown.insert(shown.end(),
               all.begin() + static_cast<ptrdiff_t>(std::max(first, numKept)),
               all.end());
  return form.tokenize(shown);
}

/// The number of tokens before the content of a question. Templates may refuse
/// a chat that ends before it, so the chat is written with two different
/// questions, and their common beginning counts.
size_t Chat::countTokensBefore(size_t question) const {
  Messages shown(all.begin(), all.begin() + static_cast<ptrdiff_t>(question));
  shown.push_back({Role::User, "a"});
  const auto one = form.tokenize(shown);
  shown.back().content = "b";
  const auto other = form.tokenize(shown);
  const auto end =
      std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first;
  return static_cast<size_t>(end - one.begin());
}

/// The number of messages that are never forgotten: the system's, and turns
/// that begin within the first `keep` tokens.
size_t Chat::countKept(size_t keep) const {
  size_t count = beginning().size();
  while (keep > 0 && count + 1 < all.size() &&
         (count == 0 || countTokensBefore(count) < keep))
    count += 2;
  return count;
}

/// Forgets the oldest turns, about half of those that may be forgotten. Returns
/// the tokens that the model sees then, none if only the question is left.
std::vector<int32_t> Chat::shorten(size_t keep) {
  const size_t question = all.size() - 1;
  numKept = countKept(keep);
  firstShown = std::max(firstShown, numKept);
  if (firstShown >= question)
    return {};
  const size_t least = write(question).size();
  std::vector<int32_t> prompt = write(firstShown);
  const size_t wanted = least + (prompt.size() - least) / 2;
  do
    prompt = write(firstShown += 2);
  while (firstShown < question && prompt.size() > wanted);
  return prompt;
}

/// The tokens of the chat up to the point where the model answers the last
/// question.
std::vector<int32_t> Chat::makePrompt(bool shifts, size_t keep) {
  std::vector<int32_t> prompt = write(firstShown);
  while (shifts && prompt.size() > engine.capacity()) {
    std::vector<int32_t> shorter = shorten(keep);
    if (shorter.empty())
      break;
    prompt = std::move(shorter);
  }
  return prompt;
}

Engine::Id Chat::ask(std::string question, Request request) {
  all.push_back({Role::User, std::move(question)});
  said.clear();
  try {
    const size_t keep = request.keep;
    request.prompt = makePrompt(request.contextShift, keep);
    request.shorten = [this, keep] { return shorten(keep); };
    request.endTokens.insert(request.endTokens.end(), form.endTokens().begin(),
                             form.endTokens().end());
    if (!form.endText().empty())
      request.stops.push_back(form.endText());
    request.onToken =
        [this, next = std::move(request.onToken)](const TokenEvent &event) {
          said += event.text;
          if (next)
            next(event);
        };
    request.onEnd = [this,
                     next = std::move(request.onEnd)](const EndEvent &event) {
      if (event.hasReadPrompt)
        all.push_back({Role::Assistant, said + event.rest});
      else
        all.pop_back();
      if (next)
        next(event);
    };
    request.onError =
        [this, next = std::move(request.onError)](const std::exception &error) {
          all.pop_back();
          if (!next)
            throw; // the exception that is being handled
          next(error);
        };
    return engine.submit(std::move(request));
  } catch (...) {
    all.pop_back();
    throw;
  }
}
