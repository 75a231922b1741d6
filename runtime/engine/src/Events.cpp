//===- Events.cpp - What requests get, and how they end -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"

using namespace sherry;
using namespace sherry::engine;

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
