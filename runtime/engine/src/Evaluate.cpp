//===- Evaluate.cpp - A block of tokens, of all requests ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "sherry/support/Parallel.h"

#include <atomic>
#include <chrono>

using namespace sherry;
using namespace sherry::engine;

/// Gives one token to each request that is being answered. Requests whose
/// prompts are being read share the rest evenly, the shortest first.
std::vector<Engine::Share> Engine::divideBlock() {
  std::vector<Share> shares, prompts;
  for (const auto &answer : active)
    if (answer->hasStarted)
      (answer->left() == 1 ? shares : prompts)
          .push_back({answer.get(), 1, answer->left() == 1});
  std::stable_sort(prompts.begin(), prompts.end(),
                   [](const Share &a, const Share &b) {
                     return a.answer->left() < b.answer->left();
                   });
  const size_t block = sherry_context_block(context.get());
  size_t rest = block - std::min(block, shares.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    Share share = prompts[i];
    const Answer &answer = *share.answer;
    size_t most = answer.left();
    // Tokens whose outputs are all wanted begin a block of their own.
    if (answer.request.promptLogprobs && !answer.wantsAll())
      most = answer.request.promptLogprobsFrom - 1 - answer.read.position;
    share.count = std::clamp<size_t>(rest / (prompts.size() - i), 1, most);
    share.isLast = share.count == answer.left();
    rest -= std::min(rest, share.count);
    shares.push_back(share);
  }
  return shares;
}

bool Engine::evict() {
  if (parked.empty())
    return false;
  sherry_sequence_drop(context.get(), parked.front().sequence);
  parked.pop_front();
  return true;
}

/// Makes sure that there are pages for the tokens that are read next. The
/// reserved pages are available if no sequences are parked.
void Engine::makeRoom(const std::vector<Share> &shares) {
  size_t needed = 0;
  for (const Share &share : shares) {
    const size_t position = share.answer->read.position;
    const size_t count = share.count + share.answer->draft.size;
    needed += pagesOf(position + count) - pagesOf(position);
    needed += position % SHERRY_PAGE_POSITIONS != 0; // a shared page
  }
  while (freePages() < needed && evict())
    ;
}

/// Receives the logits, or the hidden states, after token `index` of a share.
/// Leaves work that takes long to jobs.
void Engine::receive(Share &share, int64_t index, const float *values,
                     std::vector<Job> &jobs) {
  Answer &answer = *share.answer;
  const Request &request = answer.request;
  if (static_cast<size_t>(index) >= share.count)
    return answer.draft.logits.push_back(values);
  const size_t place = answer.read.position + static_cast<size_t>(index);
  if (request.pooling != Pooling::None) {
    answer.pool.resize(sherry_model_hidden_size(model));
    for (size_t i = 0; i < answer.pool.size(); ++i)
      answer.pool[i] += values[i];
    return;
  }
  if (request.onPromptLogits && !answer.hasReadPrompt)
    request.onPromptLogits(static_cast<int64_t>(place), values);
  if (request.promptLogprobs && place + 1 < answer.promptSize &&
      place + 1 >= request.promptLogprobsFrom) {
    jobs.push_back({&answer, values, answer.read.scores.size(), nullptr});
    answer.read.scores.emplace_back();
  }
  if (!share.isLast || static_cast<size_t>(index) + 1 != share.count)
    return;
  if (!answer.hasReadPrompt && answer.isCancelled())
    answer.wasCancelled = true;
  else if (request.maxTokens != 0)
    jobs.push_back({&answer, values, std::nullopt, nullptr});
}

/// For any thread: no two jobs change the same data.
void Engine::work(const Job &job) const {
  Answer &answer = *job.answer;
  const Request &request = answer.request;
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  if (job.score) {
    const int32_t token =
        answer.read.tokens[answer.read.scoresFrom + *job.score];
    answer.read.scores[*job.score] =
        rankLogprob(job.logits, vocabSize, token, *request.promptLogprobs);
    return;
  }
  pick(answer, job.logits);
}

/// Does all jobs, and forgets them.
void Engine::workTogether(std::vector<Job> &jobs) {
  std::atomic<size_t> next = 0;
  auto workOn = [&](int32_t, int32_t) {
    for (size_t i = next++; i < jobs.size(); i = next++)
      try {
        work(jobs[i]);
      } catch (...) {
        jobs[i].error = std::current_exception();
      }
  };
  // Uses the team of the blocks, or none: for a smaller team OpenMP would end
  // some of the threads.
  runtime::runParallel(jobs.size() > 1 ? threads() : 1, workOn);
  for (const Job &job : jobs) {
    if (!job.error || job.answer->error)
      continue;
    job.answer->error = job.error;
    if (job.score) // later scores may be wrong, too
      job.answer->read.scores.resize(*job.score);
  }
  jobs.clear();
}

/// The outputs of the model for a share.
static sherry_logits chooseOutputs(const Request &request, bool wantsAll,
                                   bool isLast) {
  const bool isHidden = request.pooling != Pooling::None;
  if (wantsAll)
    return isHidden ? SHERRY_HIDDEN_ALL : SHERRY_LOGITS_ALL;
  if (isLast)
    return isHidden ? SHERRY_HIDDEN_LAST : SHERRY_LOGITS_LAST;
  return SHERRY_LOGITS_NONE;
}

void Engine::evaluate(std::vector<Share> &shares) {
  std::vector<sherry_batch_entry> entries;
  size_t numPrefill = 0, numDrafted = 0, numTokens = 0;
  for (const Share &share : shares) {
    Answer &answer = *share.answer;
    const int32_t *tokens = answer.read.tokens.data() + answer.read.position;
    const size_t size = answer.draft.size;
    if (size > 0) {
      answer.block.assign(tokens, tokens + share.count);
      answer.block.insert(answer.block.end(), answer.draft.tokens.begin(),
                          answer.draft.tokens.begin() +
                              static_cast<ptrdiff_t>(size));
      tokens = answer.block.data();
    }
    entries.push_back(
        {answer.sequence,
         chooseOutputs(answer.request, answer.wantsAll() || size > 0,
                       share.isLast),
         tokens, static_cast<int64_t>(share.count + size)});
    numTokens += share.count + size;
    numDrafted += size;
    if (!share.isDecode())
      numPrefill += share.count;
  }
  using Clock = std::chrono::steady_clock;
  // Logits are valid after the evaluation only if it is one block.
  const bool areJobsLeft = numTokens <= sherry_context_block(context.get());
  std::vector<Job> jobs;
  struct Sink {
    Engine &engine;
    std::vector<Share> &shares;
    std::vector<Job> &jobs;
    const bool areJobsLeft;
  } sink = {*this, shares, jobs, areJobsLeft};
  // An exception must not pass through the C interface.
  auto pass = [](void *user, int64_t entry, int64_t index,
                 const float *values) {
    auto &sink = *static_cast<Sink *>(user);
    Share &share = sink.shares[static_cast<size_t>(entry)];
    try {
      if (!share.answer->error)
        sink.engine.receive(share, index, values, sink.jobs);
      if (!sink.areJobsLeft)
        sink.engine.workTogether(sink.jobs);
    } catch (...) {
      share.answer->error = std::current_exception();
    }
  };
  const Clock::time_point begin = Clock::now();
  check(sherry_eval_batch(context.get(), entries.data(),
                          static_cast<int64_t>(entries.size()), pass, &sink));
  const Clock::duration evaluation = Clock::now() - begin;
  workTogether(jobs);
  if (numPrefill == 0 && areJobsLeft)
    policy.measure(numTokens,
                   std::chrono::duration<double>(evaluation).count());
  const double seconds =
      std::chrono::duration<double>(Clock::now() - begin).count() /
      static_cast<double>(numTokens);
  prefill.seconds += seconds * static_cast<double>(numPrefill);
  prefill.tokens += static_cast<int64_t>(numPrefill);
  decode.seconds += seconds * static_cast<double>(numTokens - numPrefill);
  decode.tokens += static_cast<int64_t>(numTokens - numPrefill - numDrafted);
}
