//===- Speculate.cpp - Makes and judges drafts of tokens ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "DraftModel.h"

#include <chrono>
#include <functional>

using namespace sherry;
using namespace sherry::engine;

bool sherry::engine::isEndToken(const sherry_model *model,
                                const Request &request, int32_t token) {
  return !request.ignoreEos &&
         (sherry_model_is_eos(model, token) ||
          std::find(request.endTokens.begin(), request.endTokens.end(),
                    token) != request.endTokens.end());
}

/// The probability that a token of a draft model is accepted, before any
/// observation.
static constexpr double kExpectedOfModel = 0.6;

/// The most tokens of a text that the drafter learns in a step, because other
/// requests wait.
static constexpr size_t kMostLearned = 4096;

void Engine::setDrafts(const DraftOptions &options) {
  draftOptions = options;
  draftOptions.most =
      std::min<size_t>(options.most, sherry_context_block(context.get()));
  draftModel.reset();
  if (options.model && options.most > 0)
    draftModel = std::make_unique<DraftModel>(
        options.model, model,
        sherry_context_options{sherry_context_size(context.get()), 0, threads(),
                               static_cast<uint32_t>(maxActive),
                               static_cast<uint32_t>(pages())});
}

/// Each token of a draft needs a position, and another one after it.
size_t Engine::mostDraftedFor(const Answer &answer) const {
  size_t most =
      std::min(draftOptions.most, capacity() - answer.read.tokens.size());
  if (answer.request.maxTokens >= 0)
    most = std::min(
        most, static_cast<size_t>(answer.request.maxTokens - answer.count - 1));
  return most;
}

/// Removes tokens of the draft that cannot be accepted.
void Engine::cutDraft(Answer &answer) const {
  const Request &request = answer.request;
  std::vector<int32_t> &tokens = answer.draft.tokens;
  const auto vocabSize = static_cast<int64_t>(sherry_model_vocab_size(model));
  tokens.resize(std::min(tokens.size(), mostDraftedFor(answer)));
  tokens.erase(std::find_if(tokens.begin(), tokens.end(),
                            [&](int32_t token) {
                              return token < 0 || token >= vocabSize ||
                                     isEndToken(model, request, token);
                            }),
               tokens.end());
  if (!tokens.empty() && request.constraint &&
      !request.constraint->accepts(tokens.front()))
    tokens.clear();
}

/// Drafts by the request's own function, or from the text.
void Engine::proposeDraft(Answer &answer) {
  const std::vector<int32_t> &text = answer.read.tokens;
  if (answer.request.draft) {
    answer.draft.tokens = answer.request.draft(text, mostDraftedFor(answer));
    return;
  }
  if (!answer.drafter)
    answer.drafter.reset(check(sherry_drafter_create()));
  const size_t count = std::min(text.size() - answer.learned, kMostLearned);
  check(sherry_drafter_push(answer.drafter.get(), text.data() + answer.learned,
                            static_cast<int64_t>(count)));
  answer.learned += count;
  if (answer.learned < text.size())
    return;
  Draft &draft = answer.draft;
  draft.tokens.resize(mostDraftedFor(answer));
  draft.match = static_cast<size_t>(
      check(sherry_drafter_draft(answer.drafter.get(), draft.tokens.data(),
                                 static_cast<int64_t>(draft.tokens.size()))));
  if (draft.match == 0)
    draft.tokens.clear();
}

/// The probability that a drafted token is accepted if those before it are,
/// from the observations of this answer and of all others.
double Engine::acceptanceOf(const Answer &answer, bool byModel,
                            size_t match) const {
  const double expected =
      byModel ? kExpectedOfModel : Acceptance::expected(match);
  return answer.acceptance.of(byModel).probability(
      match, acceptance.of(byModel).probability(match, expected));
}

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Lets the draft model draft for answers whose text has no better draft.
void Engine::draftByModel(const std::vector<Share> &shares) {
  std::vector<DraftModel::Job> jobs;
  std::vector<Answer *> answers;
  std::vector<double> probabilities;
  for (const Share &share : shares) {
    Answer &answer = *share.answer;
    const size_t most = mostDraftedFor(answer);
    if (answer.request.draft || answer.error || most == 0 ||
        answer.read.tokens.size() + most > draftModel->capacity())
      continue;
    const Draft &byText = answer.draft;
    if (!byText.tokens.empty() && acceptanceOf(answer, false, byText.match) >=
                                      acceptanceOf(answer, true, 1))
      continue;
    double probability = 1;
    for (size_t place = 1; place <= most; ++place)
      probabilities.push_back(probability *= acceptanceOf(answer, true, place));
    answers.push_back(&answer);
    jobs.push_back({answer.id,
                    &answer.request.owner,
                    &answer.read.tokens,
                    answer.request.sampler.get(),
                    most,
                    {}});
  }
  if (jobs.empty())
    return;
  std::sort(probabilities.begin(), probabilities.end(), std::greater<>());
  if (draftOptions.adapts) {
    const size_t count = policy.choose(shares.size(), probabilities,
                                       draftModel->secondsPerToken());
    if (count == 0) {
      // Old observations lose weight, so that the model is tried again.
      acceptance.model.fade();
      for (Answer *answer : answers)
        answer->acceptance.model.fade();
      return;
    }
    for (DraftModel::Job &job : jobs)
      job.most = std::min(job.most, (count + jobs.size() - 1) / jobs.size());
  }
  try {
    draftModel->draft(jobs);
  } catch (...) { // without drafts, answers are slower and the same
    draftModel.reset();
    return;
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    Answer &answer = *answers[i];
    if (jobs[i].tokens.empty()) // it is reading, or has no room
      continue;
    Draft byText = std::move(answer.draft);
    draftSeconds += draftModel->secondsPerToken() *
                    static_cast<double>(jobs[i].tokens.size());
    answer.draft = {};
    answer.draft.tokens = std::move(jobs[i].tokens);
    answer.draft.match = 1;
    answer.draft.byModel = true;
    try {
      cutDraft(answer);
    } catch (...) {
      answer.error = std::current_exception();
      answer.draft = {};
    }
    if (answer.error || !answer.draft.tokens.empty())
      continue;
    // A token that cannot be accepted is an observation, too.
    answer.acceptance.model.observe(1, false);
    acceptance.model.observe(1, false);
    answer.draft = std::move(byText);
  }
}

/// Fills the rest of the block with drafts, as far as they save time.
void Engine::draft(const std::vector<Share> &shares) {
  const Clock::time_point begin = Clock::now();
  size_t rest = sherry_context_block(context.get());
  bool isReading = false;
  draftSeconds = 0;
  for (const Share &share : shares) {
    share.answer->draft = {};
    rest -= std::min(rest, share.count);
    isReading |= !share.isDecode();
  }
  for (const Share &share : shares) {
    Answer &answer = *share.answer;
    Draft &draft = answer.draft;
    if (!share.isDecode() || rest == 0 || mostDraftedFor(answer) == 0 ||
        (isReading && !answer.request.draft))
      continue;
    try {
      proposeDraft(answer);
      cutDraft(answer);
    } catch (...) {
      answer.error = std::current_exception();
      draft = {};
    }
    if (answer.request.draft) {
      draft.size = std::min(draft.tokens.size(), rest);
      rest -= draft.size;
    }
  }
  if (draftModel && !isReading && rest > 0)
    draftByModel(shares);
  struct Candidate {
    double probability; ///< that all tokens up to this are accepted
    Draft *draft;
  };
  std::vector<Candidate> candidates;
  for (const Share &share : shares) {
    Answer &answer = *share.answer;
    double probability = 1;
    if (!answer.request.draft)
      for (size_t i = 0; i < answer.draft.tokens.size(); ++i)
        candidates.push_back(
            {probability *=
             acceptanceOf(answer, answer.draft.byModel, answer.draft.match + i),
             &answer.draft});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate &a, const Candidate &b) {
                     return a.probability > b.probability;
                   });
  candidates.resize(std::min(candidates.size(), rest));
  std::vector<double> probabilities;
  for (const Candidate &candidate : candidates)
    probabilities.push_back(candidate.probability);
  const size_t count = draftOptions.adapts
                           ? policy.choose(shares.size(), probabilities)
                           : candidates.size();
  for (size_t i = 0; i < count; ++i)
    ++candidates[i].draft->size;
  decode.seconds += secondsSince(begin);
}

/// Picks a token by the logits after the last one. For any thread: changes only
/// the answer.
void Engine::pick(Answer &answer, const float *logits) const {
  const Request &request = answer.request;
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  TokenEvent event = {};
  sherry_sampler *sampler = request.sampler.get();
  event.token = check(sherry_sample(sampler, logits, vocabSize));
  // Making a mask takes much longer than checking one token.
  if (request.constraint && !request.constraint->accepts(event.token))
    event.token = check(sherry_sample_masked(sampler, logits, vocabSize,
                                             request.constraint->mask()));
  if (request.logprobs)
    event.logprob =
        rankLogprob(logits, vocabSize, event.token, *request.logprobs);
  answer.next = std::move(event);
}

/// Observes whether the picked token equals the drafted one. The first drafted
/// token that is not evaluated counts, too.
void Engine::judgeDraft(Answer &answer) {
  Draft &draft = answer.draft;
  if (draft.picked < draft.tokens.size()) {
    const bool isAccepted = answer.next->token == draft.tokens[draft.picked];
    if (draft.match > 0) {
      const size_t match = draft.match + draft.picked;
      answer.acceptance.of(draft.byModel).observe(match, isAccepted);
      acceptance.of(draft.byModel).observe(match, isAccepted);
    }
    if (isAccepted && draft.picked < draft.size) {
      ++answer.drafts.accepted;
      ++drafts.accepted;
    }
  }
  ++draft.picked;
}

/// Gives the picked token to the handler, and then the tokens picked from the
/// logits after the draft, as long as the draft is accepted.
void Engine::giveTokens(Answer &answer) {
  for (;;) {
    judgeDraft(answer);
    if (!giveToken(answer))
      return;
    Draft &draft = answer.draft;
    const size_t index = draft.picked - 1;
    if (index >= draft.size || answer.read.tokens.back() != draft.tokens[index])
      return dropDraft(answer);
    ++answer.read.position;
    const Clock::time_point begin = Clock::now();
    pick(answer, draft.logits[index]);
    decode.seconds += secondsSince(begin);
    ++decode.tokens;
  }
}

/// Removes the tokens that were not accepted from the sequence.
void Engine::dropDraft(const Answer &answer) {
  const auto position = static_cast<uint32_t>(answer.read.position);
  if (sherry_context_position(context.get(), answer.sequence) > position)
    check(sherry_context_truncate(context.get(), answer.sequence, position));
}
