//===- Start.cpp - Requests begin with what others have read --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"

using namespace sherry;
using namespace sherry::engine;

/// A request waits for another one to read what both begin with, if it saves so
/// many tokens.
static constexpr size_t kWorthWaiting = 32;

/// Starts requests, in order, whose pages are sure to be there.
void Engine::admit() {
  while (!waiting.empty() && active.size() < maxActive &&
         reserved + waiting.front()->pages <= pages()) {
    reserved += waiting.front()->pages;
    active.push_back(std::move(waiting.front()));
    waiting.pop_front();
    while (active.size() + parked.size() > SHERRY_MAX_SEQUENCES && evict())
      ;
  }
  for (auto it = active.begin(); it != active.end();) {
    Answer &answer = **it++;
    if (answer.hasStarted)
      continue;
    if (answer.isCancelled()) {
      finish(answer, EndReason::Cancelled);
      continue;
    }
    try {
      start(answer);
    } catch (...) {
      fail(answer);
    }
  }
}

/// How many tokens a request need not read if it goes on from what a sequence
/// has read. The logits after the last one are needed, and log probabilities
/// of what is not read must be known.
size_t Engine::findReusable(const Answer &answer, const Extent &other) {
  const Request &request = answer.request;
  if (request.onPromptLogits || request.pooling == Pooling::Mean)
    return 0;
  const size_t common = countCommon(other.tokens, answer.read.tokens);
  const size_t most = std::min({common, other.position, answer.left() - 1});
  if (!request.promptLogprobs)
    return most;
  const size_t from = request.promptLogprobsFrom;
  const bool isKnown =
      other.from <= from && other.top >= *request.promptLogprobs;
  const size_t known = isKnown ? std::min(common, other.to) : 0;
  return std::min(most, std::max(from, known) - 1);
}

/// Gives a request its sequence, with what another one has read already, unless
/// it is to wait for another one that is about to read the same.
void Engine::start(Answer &answer) {
  size_t best = 0, coming = 0;
  uint32_t from = 0;
  const Read *source = nullptr;
  auto consider = [&](uint32_t sequence, const Read &read) {
    const size_t count = findReusable(answer, read.extent());
    if (count <= best)
      return false;
    best = count;
    from = sequence;
    source = &read;
    return true;
  };
  for (const auto &other : active) {
    if (!other->hasStarted || other->request.owner != answer.request.owner)
      continue;
    consider(other->sequence, other->read);
    if (!other->hasReadPrompt)
      coming = std::max(coming, findReusable(answer, other->extentOfPrompt()));
  }
  auto unused = parked.end();
  for (auto it = parked.begin(); it != parked.end(); ++it)
    if (it->owner == answer.request.owner && consider(it->sequence, it->read))
      unused = it;
  if (coming > best && (answer.waits || coming >= best + kWorthWaiting)) {
    answer.waits = true;
    return;
  }

  check(sherry_sampler_accept(answer.request.sampler.get(), -1));
  for (int32_t token : answer.read.tokens)
    check(sherry_sampler_accept(answer.request.sampler.get(), token));
  const Request &request = answer.request;
  if (source && request.promptLogprobs)
    for (size_t i = request.promptLogprobsFrom; i <= best; ++i) {
      RankedLogprob score = source->scores[i - source->scoresFrom];
      score.top.resize(
          std::min<size_t>(score.top.size(), answer.read.scoresTop));
      answer.read.scores.push_back(std::move(score));
    }
  if (unused != parked.end() && best == unused->read.position) {
    answer.sequence = from;
    parked.erase(unused);
  } else {
    if (unused != parked.end())
      parked.splice(parked.end(), parked, unused);
    answer.sequence = static_cast<uint32_t>(
        check(best > 0 ? sherry_sequence_fork(context.get(), from,
                                              static_cast<uint32_t>(best))
                       : sherry_sequence_create(context.get())));
  }
  answer.read.position = answer.cached = best;
  answer.hasStarted = true;
  if (request.onStart)
    request.onStart(best);
}
