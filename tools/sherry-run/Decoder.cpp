//===- Decoder.cpp - A context that is continued --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Decoder.h"
#include "../Support/Stopwatch.h"

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

/// Tokens that two lists have in common at the beginning.
static size_t countCommon(const std::vector<int32_t> &a,
                          const std::vector<int32_t> &b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

/// Makes room for a token, and reads what comes after those that are forgotten
/// anew: what the context holds of a token depends on its place. False: there
/// is nothing to forget.
bool Decoder::forget(const ShortenFunction &shorten) {
  std::vector<int32_t> wanted;
  if (shorten)
    wanted = shorten();
  auto rest = tokens.begin();
  if (!wanted.empty()) {
    rest += static_cast<ptrdiff_t>(promptSize);
    promptSize = wanted.size();
  } else {
    // A question that cannot be shorter is kept as a whole.
    const size_t keep =
        shorten ? promptSize : std::max<size_t>(options.keep, 1);
    if (keep + 1 >= capacity())
      return false;
    wanted.assign(rest, rest + static_cast<ptrdiff_t>(keep));
    rest += static_cast<ptrdiff_t>(keep + (tokens.size() - keep + 1) / 2);
  }
  wanted.insert(wanted.end(), rest, tokens.end());
  const size_t same = countCommon(tokens, wanted);
  truncate(same);
  if (same < wanted.size())
    read(wanted.data() + same, wanted.size() - same, SHERRY_LOGITS_NONE, {},
         prefillSpeed);
  return true;
}

void Decoder::read(const int32_t *begin, size_t count, sherry_logits wanted,
                   const LogitsFunction &onLogits, Speed &speed) {
  Stopwatch stopwatch;
  evaluate(context.get(), begin, count, wanted, onLogits);
  speed.seconds += stopwatch.seconds();
  speed.tokens += static_cast<int64_t>(count);
  tokens.insert(tokens.end(), begin, begin + count);
}

bool Decoder::load(const std::vector<int32_t> &prompt,
                   const LogitsFunction &onLogits) {
  if (prompt.size() > capacity())
    throw std::runtime_error(
        std::to_string(prompt.size()) + " tokens are more than the " +
        std::to_string(capacity()) +
        " positions of the context; use a larger --ctx (the model allows " +
        std::to_string(sherry_model_max_context(model)) + "), or " +
        (!options.contextShift ? "--context-shift to forget what is oldest"
         : options.keep > 0
             ? "let fewer than the first " + std::to_string(options.keep) +
                   " be kept, by a smaller --keep or a shorter beginning"
             : "a shorter message"));
  // The logits after the last one are needed.
  const size_t same = std::min(countCommon(tokens, prompt), prompt.size() - 1);
  truncate(same);
  const size_t block = sherry_context_block(context.get());
  for (size_t done = same; done < prompt.size();) {
    const size_t count = std::min(block, prompt.size() - done);
    const bool isLast = done + count == prompt.size();
    read(prompt.data() + done, count,
         onLogits ? SHERRY_LOGITS_ALL
         : isLast ? SHERRY_LOGITS_LAST
                  : SHERRY_LOGITS_NONE,
         onLogits, prefillSpeed);
    done += count;
    if (interrupted()) {
      truncate(same);
      return false;
    }
  }
  promptSize = prompt.size();
  sherry_sampler_accept(sampler.get(), -1);
  for (int32_t token : prompt)
    sherry_sampler_accept(sampler.get(), token);
  return true;
}

EndReason Decoder::answer(Answer &answer, const std::vector<int32_t> &endTokens,
                          const ShortenFunction &shorten) {
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  int32_t last = -1;
  for (int64_t count = 0; count != options.length; ++count) {
    if (interrupted())
      return EndReason::Interrupted;
    // The last one that was picked is read when another one is wanted.
    if (last >= 0) {
      while (tokens.size() == capacity())
        if (!options.contextShift || !forget(shorten))
          return EndReason::ContextFull;
      read(&last, 1, SHERRY_LOGITS_LAST, {}, decodeSpeed);
    }
    const float *logits = sherry_context_logits(context.get());
    const int32_t token =
        check(sherry_sample(sampler.get(), logits, vocabSize));
    const bool isEnd =
        sherry_model_is_eos(model, token) ||
        std::find(endTokens.begin(), endTokens.end(), token) != endTokens.end();
    if (isEnd && !options.ignoreEos)
      return EndReason::Eos;
    sherry_sampler_accept(sampler.get(), token);
    last = token;
    if (!answer.add(token, logits))
      return EndReason::Stop;
  }
  return EndReason::Length;
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
