//===- DraftModel.cpp - Drafts by a smaller model -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DraftModel.h"
#include "Answer.h"

#include <chrono>

using namespace sherry;
using namespace sherry::engine;

/// The tokens that a job evaluates next, and its sampler.
struct DraftModel::Step {
  Job *job;
  Text *text;
  std::vector<int32_t> tokens;
  Sampler sampler; ///< null: no logits are needed yet
};

/// Throws unless each token is the same in both models.
static void checkVocabularies(const sherry_model *draft,
                              const sherry_model *target) {
  const uint32_t size = sherry_model_vocab_size(target);
  if (sherry_model_vocab_size(draft) != size)
    throw std::runtime_error("the draft model has " +
                             std::to_string(sherry_model_vocab_size(draft)) +
                             " tokens, the model " + std::to_string(size) +
                             "; a draft model must have the same vocabulary");
  if (!sherry_model_has_tokenizer(draft) || !sherry_model_has_tokenizer(target))
    return;
  auto bytesOf = [](const sherry_model *model, int32_t token) {
    size_t count;
    const char *bytes = check(sherry_token_bytes(model, token, &count));
    return std::string_view(bytes, count);
  };
  for (int32_t token = 0; token < static_cast<int32_t>(size); ++token)
    if (bytesOf(draft, token) != bytesOf(target, token))
      throw std::runtime_error("token " + std::to_string(token) +
                               " of the draft model differs from the model's; "
                               "a draft model must have the same "
                               "vocabulary");
}

DraftModel::DraftModel(const sherry_model *model, const sherry_model *target,
                       sherry_context_options options)
    : model(model) {
  checkVocabularies(model, target);
  options.block = 0;
  options.context = std::min(options.context, sherry_model_max_context(model));
  options.pages = static_cast<uint32_t>(std::min<size_t>(
      options.pages, options.sequences * pagesOf(options.context)));
  context.reset(check(sherry_context_create(model, &options)));
  for (uint32_t i = 0; i < sherry_context_sequences(context.get()); ++i)
    check(sherry_sequence_drop(context.get(), i));
}

void DraftModel::end(uint64_t id) {
  const auto it = texts.find(id);
  if (it == texts.end())
    return;
  parked.push_back(std::move(it->second));
  texts.erase(it);
}

void DraftModel::dropParked() {
  sherry_sequence_drop(context.get(), parked.front().sequence);
  parked.pop_front();
}

/// Opens a text for the job. Takes the owner's ended text with the longest
/// common beginning, or forks it if it has more tokens and a sequence is free.
/// Without such a text, the new text is empty.
DraftModel::Text &DraftModel::open(const Job &job) {
  auto best = parked.end();
  size_t same = 0;
  for (auto it = parked.begin(); it != parked.end(); ++it) {
    const size_t common =
        it->owner == *job.owner ? countCommon(it->read, *job.text) : 0;
    if (common > same) {
      best = it;
      same = common;
    }
  }
  const bool isFull =
      texts.size() + parked.size() == sherry_context_sequences(context.get());
  if (best != parked.end() && same < best->read.size() && !isFull) {
    const int64_t sequence = check(sherry_sequence_fork(
        context.get(), best->sequence, static_cast<uint32_t>(same)));
    Text &text =
        texts
            .emplace(job.id,
                     Text{static_cast<uint32_t>(sequence),
                          {best->read.begin(),
                           best->read.begin() + static_cast<ptrdiff_t>(same)},
                          *job.owner})
            .first->second;
    // The last used one is at the end.
    parked.splice(parked.end(), parked, best);
    return text;
  }
  if (best != parked.end()) {
    Text &text = texts.emplace(job.id, std::move(*best)).first->second;
    parked.erase(best);
    return text;
  }
  if (isFull)
    dropParked();
  const int64_t sequence = check(sherry_sequence_create(context.get()));
  return texts
      .emplace(job.id, Text{static_cast<uint32_t>(sequence), {}, *job.owner})
      .first->second;
}

/// Truncates the text to its common beginning with the answer.
DraftModel::Text &DraftModel::follow(const Job &job) {
  const auto it = texts.find(job.id);
  Text &text = it == texts.end() ? open(job) : it->second;
  const size_t same =
      std::min(countCommon(text.read, *job.text), job.text->size() - 1);
  check(sherry_context_truncate(context.get(), text.sequence,
                                static_cast<uint32_t>(same)));
  text.read.resize(same);
  return text;
}

/// Whether `pages` pages are free. Drops ended texts if needed, and only if
/// their pages suffice.
bool DraftModel::makeRoom(size_t pages) {
  auto free = [&] { return sherry_context_free_pages(context.get()); };
  size_t held = 0; // by texts of answers that go on
  for (const auto &[id, text] : texts)
    held += pagesOf(text.read.size());
  if (held + pages > sherry_context_pages(context.get()))
    return free() >= pages;
  while (free() < pages && !parked.empty())
    dropParked();
  return free() >= pages;
}

/// Evaluates the tokens of all steps. Each step with a sampler drafts a token.
void DraftModel::evaluate(std::vector<Step> &steps) {
  std::vector<sherry_batch_entry> entries;
  for (const Step &step : steps)
    entries.push_back({step.text->sequence,
                       step.sampler ? SHERRY_LOGITS_LAST : SHERRY_LOGITS_NONE,
                       step.tokens.data(),
                       static_cast<int64_t>(step.tokens.size())});
  struct Sink {
    std::vector<Step> &steps;
    uint32_t vocabSize;
  } sink = {steps, sherry_model_vocab_size(model)};
  auto pass = [](void *user, int64_t entry, int64_t, const float *logits) {
    auto &sink = *static_cast<Sink *>(user);
    Step &step = sink.steps[static_cast<size_t>(entry)];
    const int32_t token =
        sherry_sample(step.sampler.get(), logits, sink.vocabSize);
    if (token < 0 || sherry_sampler_accept(step.sampler.get(), token) < 0)
      return step.sampler.reset(); // no draft
    step.job->tokens.push_back(token);
  };
  check(sherry_eval_batch(context.get(), entries.data(),
                          static_cast<int64_t>(entries.size()), pass, &sink));
  for (Step &step : steps)
    step.text->read.insert(step.text->read.end(), step.tokens.begin(),
                           step.tokens.end());
}

void DraftModel::draft(std::vector<Job> &jobs) {
  size_t room = sherry_context_block(context.get());
  size_t pages = 0; // that the jobs will need
  std::vector<Step> steps;
  for (Job &job : jobs) {
    // The last token of a draft is not read.
    if (job.most == 0 || room == 0 || job.text->size() + job.most > capacity())
      continue;
    Text &text = follow(job);
    const size_t read = text.read.size();
    const size_t taken = pagesOf(job.text->size() + job.most) - pagesOf(read) +
                         (read % SHERRY_PAGE_POSITIONS != 0); // may be shared
    if (!makeRoom(pages + taken))
      continue;
    pages += taken;
    const size_t left = job.text->size() - text.read.size();
    const size_t count = std::min(left, room);
    room -= count;
    const auto first =
        job.text->begin() + static_cast<ptrdiff_t>(text.read.size());
    steps.push_back(
        {&job, &text, {first, first + static_cast<ptrdiff_t>(count)}, {}});
    if (count == left)
      steps.back().sampler.reset(check(sherry_sampler_copy(job.sampler)));
  }
  using Clock = std::chrono::steady_clock;
  while (!steps.empty()) {
    const bool isDraft =
        std::all_of(steps.begin(), steps.end(), [](const Step &step) {
          return step.tokens.size() <= 4 && step.sampler;
        });
    const Clock::time_point begin = Clock::now();
    evaluate(steps);
    const double taken =
        std::chrono::duration<double>(Clock::now() - begin).count() /
        static_cast<double>(steps.size());
    if (isDraft)
      seconds = seconds > 0 ? 0.875 * seconds + 0.125 * taken : taken;
    steps.erase(std::remove_if(steps.begin(), steps.end(),
                               [](const Step &step) {
                                 return !step.sampler ||
                                        step.job->tokens.size() >=
                                            step.job->most;
                               }),
                steps.end());
    for (Step &step : steps)
      step.tokens.assign(1, step.job->tokens.back());
  }
}
