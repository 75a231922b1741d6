//===- Events.cpp - Events and ends of requests ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "DraftModel.h"

#include <cmath>

using namespace sherry;
using namespace sherry::engine;

/// Whether requests can use `a` for everything that they can use `b` for.
bool Engine::covers(const Extent &a, const Extent &b) {
  return b.position <= a.position &&
         std::equal(b.tokens.begin(),
                    b.tokens.begin() + static_cast<ptrdiff_t>(b.position),
                    a.tokens.begin()) &&
         (b.from >= b.to ||
          (a.from <= b.from && a.to >= b.to && a.top >= b.top));
}

/// Keeps a sequence for later requests, unless another one covers it.
void Engine::park(Parked kept) {
  const Extent extent = kept.read.extent();
  for (auto it = parked.begin(); it != parked.end();) {
    if (it->owner != kept.owner) {
      ++it;
    } else if (covers(it->read.extent(), extent)) {
      check(sherry_sequence_drop(context.get(), kept.sequence));
      parked.splice(parked.end(), parked, it);
      return;
    } else if (covers(extent, it->read.extent())) {
      check(sherry_sequence_drop(context.get(), it->sequence));
      it = parked.erase(it);
    } else {
      ++it;
    }
  }
  parked.push_back(std::move(kept));
  if (parked.size() > kMostParked)
    evict();
}

/// Removes a request from the list and parks its sequence.
std::unique_ptr<Engine::Answer> Engine::remove(Answer &answer) {
  const auto it = std::find_if(active.begin(), active.end(),
                               [&](const std::unique_ptr<Answer> &other) {
                                 return other.get() == &answer;
                               });
  std::unique_ptr<Answer> owner = std::move(*it);
  active.erase(it);
  reserved -= owner->pages;
  if (!owner->hasStarted)
    return owner;
  owner->read.tokens.resize(owner->read.position);
  dropDraft(*owner);
  if (draftModel)
    draftModel->end(owner->id);
  park({owner->sequence, owner->request.owner, std::move(owner->read), false});
  return owner;
}

void Engine::finish(Answer &answer, EndReason reason) {
  const std::unique_ptr<Answer> owner = remove(answer);
  const std::string rest = owner->text.finish(reason == EndReason::Stop);
  if (owner->request.onEnd)
    owner->request.onEnd(
        {reason, rest, owner->hasReadPrompt, owner->cached, owner->drafts});
}

/// Ends a request with the exception that is being handled.
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

bool Engine::isActive(const Answer *answer) const {
  return std::any_of(active.begin(), active.end(),
                     [&](const std::unique_ptr<Answer> &other) {
                       return other.get() == answer;
                     });
}

void Engine::takeOutputs(const Share &share) {
  Answer &answer = *share.answer;
  try {
    if (answer.error)
      std::rethrow_exception(answer.error);
    if (answer.wasCancelled || (!answer.hasReadPrompt && answer.isCancelled()))
      return finish(answer, EndReason::Cancelled);
    giveScores(answer);
    if (!share.isLast)
      return;
    answer.hasReadPrompt = true;
    if (answer.request.pooling != Pooling::None)
      giveEmbedding(answer);
    if (answer.request.maxTokens == 0)
      return finish(answer, EndReason::Length);
    giveTokens(answer);
  } catch (...) {
    if (!isActive(&answer)) // its handler threw
      throw;
    fail(answer);
  }
}

void Engine::giveScores(Answer &answer) {
  const Read &read = answer.read;
  for (; answer.scoresGiven < read.scores.size(); ++answer.scoresGiven)
    if (answer.request.onPromptLogprob)
      answer.request.onPromptLogprob(read.scoresFrom + answer.scoresGiven,
                                     read.scores[answer.scoresGiven]);
}

void Engine::giveEmbedding(Answer &answer) {
  double squares = 0;
  for (double value : answer.pool)
    squares += value * value;
  if (!(squares > 0) || !std::isfinite(squares))
    throw std::runtime_error("the prompt's hidden states have no direction: "
                             "they are zero or NaN");
  std::vector<float> result;
  for (double value : answer.pool)
    result.push_back(static_cast<float>(value / std::sqrt(squares)));
  if (answer.request.onEmbedding)
    answer.request.onEmbedding(result);
}

/// Gives the picked token to the handler and goes on to the next one. Returns
/// false if the request has ended.
bool Engine::giveToken(Answer &answer) {
  const Request &request = answer.request;
  TokenEvent event = std::move(*answer.next);
  answer.next.reset();
  if (isEndToken(model, request, event.token))
    return finish(answer, EndReason::Eos), false;
  check(sherry_sampler_accept(request.sampler.get(), event.token));
  if (request.constraint)
    request.constraint->advance(event.token);
  answer.read.tokens.push_back(event.token);
  event.text = answer.text.push(event.token, event.isStopped);
  if (request.onToken)
    request.onToken(event);
  if (event.isStopped)
    return finish(answer, EndReason::Stop), false;
  if (request.constraint && request.constraint->mustEnd())
    return finish(answer, EndReason::Eos), false;
  if (++answer.count == request.maxTokens)
    return finish(answer, EndReason::Length), false;
  if (answer.isCancelled())
    return finish(answer, EndReason::Cancelled), false;
  while (answer.read.tokens.size() > capacity())
    if (!request.contextShift || !forget(answer))
      return finish(answer, EndReason::ContextFull), false;
  return true;
}

/// Makes room for a token by forgetting others. The tokens after those are read
/// again, because the keys and values of a token depend on its position.
/// Returns false if there is nothing to forget.
bool Engine::forget(Answer &answer) {
  const Request &request = answer.request;
  std::vector<int32_t> wanted;
  if (request.shorten)
    wanted = request.shorten();
  checkTokens(model, wanted);
  auto rest = answer.read.tokens.begin();
  if (!wanted.empty()) {
    rest += static_cast<ptrdiff_t>(answer.promptSize);
    answer.promptSize = wanted.size();
  } else {
    // A question that cannot be shortened is kept as a whole.
    const size_t keep =
        request.shorten ? answer.promptSize : std::max<size_t>(request.keep, 1);
    if (keep >= capacity() - 1)
      return false;
    wanted.assign(rest, rest + static_cast<ptrdiff_t>(keep));
    // The last token has yet to be read.
    const size_t read = answer.read.tokens.size() - 1;
    rest += static_cast<ptrdiff_t>(keep + (read - keep + 1) / 2);
  }
  wanted.insert(wanted.end(), rest, answer.read.tokens.end());
  const size_t same =
      std::min(countCommon(answer.read.tokens, wanted), wanted.size() - 1);
  check(sherry_context_truncate(context.get(), answer.sequence,
                                static_cast<uint32_t>(same)));
  answer.read.tokens = std::move(wanted);
  answer.read.position = same;
  answer.drafter.reset();
  answer.learned = 0;
  return true;
}
