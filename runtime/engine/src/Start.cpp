//===- Start.cpp - Starts requests from common prefixes -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "PrefixStore.h"

#include <utility>

using namespace sherry;
using namespace sherry::engine;

/// The fewest tokens of a common beginning for which a request waits until
/// another one has read them.
static constexpr size_t kWorthWaiting = 32;
/// The fewest tokens for which a file is read or written.
static constexpr size_t kWorthAFile = 256;

/// Starts requests, in order, whose pages are sure to be available.
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

/// The number of tokens that a request need not read if it goes on from a
/// sequence. It must read the last token, for its logits, and tokens whose
/// wanted log probabilities the sequence does not have.
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

/// The best sequence in memory that a request can go on from. Writes to
/// `coming` the number of tokens that it could reuse once others have read
/// their prompts.
Engine::Source Engine::findSource(const Answer &answer, size_t &coming) {
  Source best = {0, 0, nullptr, parked.end()};
  auto consider = [&](uint32_t sequence, const Read &read,
                      std::list<Parked>::iterator place) {
    const size_t count = findReusable(answer, read.extent());
    if (count > best.count)
      best = {count, sequence, &read, place};
  };
  coming = 0;
  for (const auto &other : active) {
    if (!other->hasStarted || other->request.owner != answer.request.owner)
      continue;
    consider(other->sequence, other->read, parked.end());
    if (!other->hasReadPrompt)
      coming = std::max(coming, findReusable(answer, other->extentOfPrompt()));
  }
  for (auto it = parked.begin(); it != parked.end(); ++it)
    if (it->owner == answer.request.owner)
      consider(it->sequence, it->read, it);
  return best;
}

/// Gives a request its sequence, with the tokens that another one has read
/// already; or lets it wait for another one that is about to read the same
/// tokens.
void Engine::start(Answer &answer) {
  size_t coming;
  Source source = findSource(answer, coming);
  if (coming > source.count &&
      (answer.waits || coming >= source.count + kWorthWaiting)) {
    answer.waits = true;
    return;
  }
  const Request &request = answer.request;
  check(sherry_sampler_accept(request.sampler.get(), -1));
  for (int32_t token : answer.read.tokens)
    check(sherry_sampler_accept(request.sampler.get(), token));
  if (!startFromFile(answer, source.count)) {
    // Making room for a file may have removed sources.
    source = findSource(answer, coming);
    startFromMemory(answer, source);
  }
  answer.cached = answer.read.position;
  answer.hasStarted = true;
  if (request.onStart)
    request.onStart(answer.cached);
}

void Engine::startFromMemory(Answer &answer, const Source &source) {
  const Request &request = answer.request;
  if (source.read && request.promptLogprobs)
    for (size_t i = request.promptLogprobsFrom; i <= source.count; ++i) {
      RankedLogprob score = source.read->scores[i - source.read->scoresFrom];
      score.top.resize(
          std::min<size_t>(score.top.size(), answer.read.scoresTop));
      answer.read.scores.push_back(std::move(score));
    }
  const bool isParked = source.parked != parked.end();
  if (isParked && source.count == source.read->position) {
    answer.sequence = source.sequence;
    answer.hasStarted = true; // from here on it owns its sequence
    parked.erase(source.parked);
  } else {
    if (isParked)
      parked.splice(parked.end(), parked, source.parked);
    answer.sequence = static_cast<uint32_t>(
        check(source.count > 0
                  ? sherry_sequence_fork(context.get(), source.sequence,
                                         static_cast<uint32_t>(source.count))
                  : sherry_sequence_create(context.get())));
  }
  answer.read.position = source.count;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

void Engine::keepPrefixes(const std::string &folder, uint64_t maxBytes) {
  store = std::make_unique<PrefixStore>(folder, sherry_model_checksum(model),
                                        maxBytes);
}

/// Gives a request its sequence from a file, if this saves many tokens. Returns
/// false if it does not.
bool Engine::startFromFile(Answer &answer, size_t best) {
  const PrefixStore::Entry *entry =
      store ? store->find(answer.request.owner, answer.read.tokens) : nullptr;
  if (!entry)
    return false;
  const size_t size = entry->tokens.size();
  const size_t count = findReusable(answer, {entry->tokens, size, 0, 0, 0});
  if (count < best + kWorthAFile || size > capacity())
    return false;
  while (freePages() < pagesOf(size) && evict())
    ;
  if (freePages() < pagesOf(size))
    return false;
  try {
    answer.sequence = store->load(context.get(), *entry);
  } catch (const std::runtime_error &) {
    return false; // the entry is removed; the tokens are evaluated
  }
  // From here on the answer owns its sequence.
  answer.hasStarted = true;
  answer.read.position = count;
  check(sherry_context_truncate(context.get(), answer.sequence,
                                static_cast<uint32_t>(count)));
  return true;
}

bool Engine::savePrefix() {
  if (!store)
    return false;
  for (Parked &candidate : parked) {
    if (std::exchange(candidate.isSaved, true))
      continue;
    const std::vector<int32_t> &tokens = candidate.read.tokens;
    if (tokens.size() < kWorthAFile || store->covers(candidate.owner, tokens))
      continue;
    store->save(context.get(), candidate.sequence, candidate.owner, tokens);
    return true;
  }
  return false;
}
