//===- Decoder.cpp - A context that is continued --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Decoder.h"

#include <algorithm>
#include <cstdio>

using namespace sherry;
using namespace sherry::run;

Decoder::Decoder(const sherry_model *model, const Options &options)
    : model(model), options(options),
      context(check(sherry_context_create(model, &options.context))),
      sampler(check(sherry_sampler_create(&options.sampling))) {
  if (options.contextShift && options.keep + 1 >= capacity())
    throw std::runtime_error(
        "--keep " + std::to_string(options.keep) + " leaves no room in the " +
        std::to_string(capacity()) +
        " positions of the context; use a smaller --keep or a larger --ctx");
}

void Decoder::truncate(size_t count) {
  check(
      sherry_context_truncate(context.get(), 0, static_cast<uint32_t>(count)));
  tokens.resize(count);
}

void Decoder::reset() {
  truncate(0);
  sherry_sampler_accept(sampler.get(), -1);
  turns.clear();
  kept = 0;
}

void Decoder::keepAll() { kept = tokens.size(); }

size_t Decoder::countKept() const {
  return std::max<size_t>(options.keep, std::max<size_t>(kept, 1));
}

bool Decoder::canMakeRoom(size_t count) const {
  return options.contextShift && countKept() + count < capacity() &&
         tokens.size() > countKept();
}

/// Forgets the older half of what may be forgotten, and reads the rest anew:
/// what the context holds of a token depends on its place. Again if that is not
/// enough for `count` tokens.
void Decoder::makeRoom(size_t count) {
  if (tokens.size() + count <= capacity())
    return;
  const size_t keep = countKept();
  if (!canMakeRoom(count))
    throw std::runtime_error(
        std::to_string(tokens.size() + count) + " tokens are more than the " +
        std::to_string(capacity()) +
        " positions of the context; use a larger --ctx (the model allows " +
        std::to_string(sherry_model_max_context(model)) +
        (options.contextShift
             ? "), or let fewer than the first " + std::to_string(keep) +
                   " be kept, by a smaller --keep or a shorter beginning"
             : "), or --context-shift to forget what is oldest"));
  size_t begin = keep;
  while (keep + tokens.size() - begin + count > capacity())
    begin += (tokens.size() - begin + 1) / 2;
  // Rather a whole turn than a half.
  auto turn = std::lower_bound(turns.begin(), turns.end(), begin);
  if (turn != turns.end())
    begin = *turn;
  std::vector<int32_t> rest(tokens.begin() + static_cast<ptrdiff_t>(begin),
                            tokens.end());
  turns.erase(turns.begin(), turn);
  for (size_t &place : turns)
    place -= begin - keep;
  const auto after = static_cast<ptrdiff_t>(begin) - answerBegin;
  forgotten = std::max<ptrdiff_t>(after, static_cast<ptrdiff_t>(forgotten));
  answerBegin -= static_cast<ptrdiff_t>(begin - keep);
  truncate(keep);
  if (!rest.empty())
    read(rest.data(), rest.size(), SHERRY_LOGITS_NONE, {}, prefillSpeed);
}

void Decoder::read(const int32_t *begin, size_t count, sherry_logits wanted,
                   const LogitsFunction &onLogits, Speed &speed) {
  Stopwatch stopwatch;
  evaluate(context.get(), begin, count, wanted, onLogits);
  speed.seconds += stopwatch.seconds();
  speed.tokens += static_cast<int64_t>(count);
  tokens.insert(tokens.end(), begin, begin + count);
}

bool Decoder::append(const std::vector<int32_t> &added,
                     const LogitsFunction &onLogits) {
  makeRoom(added.size());
  const size_t before = tokens.size();
  const size_t block = sherry_context_block(context.get());
  for (size_t done = 0; done < added.size();) {
    const size_t count = std::min(block, added.size() - done);
    const bool isLast = done + count == added.size();
    read(added.data() + done, count,
         onLogits ? SHERRY_LOGITS_ALL
         : isLast ? SHERRY_LOGITS_LAST
                  : SHERRY_LOGITS_NONE,
         onLogits, prefillSpeed);
    done += count;
    if (interrupted()) {
      truncate(before);
      return false;
    }
  }
  for (int32_t token : added)
    sherry_sampler_accept(sampler.get(), token);
  return true;
}

EndReason Decoder::answer(Answer &answer, int32_t endToken) {
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  picked.clear();
  answerBegin = static_cast<ptrdiff_t>(tokens.size());
  forgotten = 0;
  while (picked.size() != static_cast<uint64_t>(options.length)) {
    if (interrupted())
      return EndReason::Interrupted;
    // The last one that was picked is read when another one is wanted.
    if (!picked.empty()) {
      if (tokens.size() == capacity() && !canMakeRoom(1))
        return EndReason::ContextFull;
      makeRoom(1);
      read(&picked.back(), 1, SHERRY_LOGITS_LAST, {}, decodeSpeed);
    }
    const float *logits = sherry_context_logits(context.get());
    const int32_t token =
        check(sherry_sample(sampler.get(), logits, vocabSize));
    const bool isEnd = token == endToken || sherry_model_is_eos(model, token);
    if (isEnd && !options.ignoreEos)
      return EndReason::Eos;
    sherry_sampler_accept(sampler.get(), token);
    picked.push_back(token);
    if (!answer.add(token, logits))
      return EndReason::Stop;
  }
  return EndReason::Length;
}

std::vector<int32_t>
Decoder::replaceAnswer(const std::vector<int32_t> &wanted) {
  const auto differ =
      std::mismatch(picked.begin(), picked.end(), wanted.begin(), wanted.end());
  const auto same = static_cast<size_t>(differ.first - picked.begin());
  const auto numRead =
      static_cast<size_t>(static_cast<ptrdiff_t>(tokens.size()) - answerBegin);
  const size_t first = std::min(std::max(same, forgotten), numRead);
  truncate(static_cast<size_t>(answerBegin + static_cast<ptrdiff_t>(first)));
  sherry_sampler_accept(sampler.get(), -1);
  for (int32_t token : tokens)
    sherry_sampler_accept(sampler.get(), token);
  return {wanted.begin() +
              static_cast<ptrdiff_t>(std::min(first, wanted.size())),
          wanted.end()};
}

void Decoder::printStatistics(double loadSeconds) const {
  std::fprintf(stderr,
               "\nload:    %.3f s\n"
               "prefill: %lld tokens, %.1f tokens/s\n"
               "decode:  %lld tokens, %.1f tokens/s\n"
               "threads: %u, seed: %llu\n",
               loadSeconds, static_cast<long long>(prefillSpeed.tokens),
               prefillSpeed.perSecond(),
               static_cast<long long>(decodeSpeed.tokens),
               decodeSpeed.perSecond(), sherry_context_threads(context.get()),
               static_cast<unsigned long long>(options.sampling.seed));
}
