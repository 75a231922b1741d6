//===- Context.cpp - One sequence and the model's memory of it ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Context.h"
#include "Support.h"
#include "Threads.h"

#include <algorithm>

using namespace sherry::runtime;

static constexpr uint32_t defaultCapacity = 4096;

/// An option, or what stands for 0; throws Error if it is above `limit`.
static uint32_t resolve(uint32_t option, uint32_t standard, uint32_t limit,
                        const char *what) {
  if (option > limit)
    throw Error(std::string(what) + " of " + std::to_string(option) +
                " is too large, at most " + std::to_string(limit) +
                " is possible");
  return option ? option : standard;
}

Context::Context(std::shared_ptr<const Model> owner,
                 const sherry_context_options &options)
    : model(std::move(owner)) {
  const sherry_abi_model &abi = model->abi();
  capacity =
      resolve(options.context, std::min(defaultCapacity, abi.max_context),
              abi.max_context, "a context");
  maxBlock = resolve(options.block, abi.max_block, abi.max_block, "a block");
  numThreads =
      resolve(options.threads, defaultThreads(), maxThreads, "a thread count");
  cache = Mapping::hugePages(
      checkedMultiply(cachePositions(), abi.kv_bytes_per_position, "cache"),
      "a context of " + std::to_string(capacity) +
          " positions (a smaller one needs less)");
  workspace = Mapping::hugePages(abi.workspace_size, "the workspace");
}

void Context::truncate(uint32_t position) {
  if (position > length)
    throw Error("cannot truncate a sequence of " + std::to_string(length) +
                " tokens to " + std::to_string(position));
  length = position;
  lastLogits = nullptr;
}

void Context::checkTokens(const int32_t *tokens, int64_t n) const {
  if (n < 0 || n > capacity - length)
    throw Error(std::to_string(n) + " tokens after " + std::to_string(length) +
                " do not fit in a context of " + std::to_string(capacity) +
                " positions; use a larger context (the model allows " +
                std::to_string(model->abi().max_context) +
                ") or a shorter text");
  for (int64_t i = 0; i < n; ++i)
    if (tokens[i] < 0 ||
        static_cast<uint32_t>(tokens[i]) >= model->abi().vocab_size)
      throw Error("token " + std::to_string(tokens[i]) + " at index " +
                  std::to_string(i) + " is not in [0, " +
                  std::to_string(model->abi().vocab_size) + ")");
}

/// Memory for so many rows of logits; made anew when more are needed.
float *Context::logitsBuffer(uint64_t rows) {
  // Cannot overflow: checkModelTable bounds both.
  uint64_t size = rows * model->abi().logits_stride * sizeof(float);
  if (size > logitsMemory.size())
    logitsMemory = Mapping::anonymous(size, "logits");
  return reinterpret_cast<float *>(logitsMemory.data());
}

void Context::eval(const int32_t *tokens, int64_t n, sherry_logits wanted,
                   sherry_logits_fn onLogits, void *user) {
  checkTokens(tokens, n);
  if (n == 0)
    return;
  const int64_t rows =
      wanted == SHERRY_LOGITS_ALL ? std::min<int64_t>(n, maxBlock) : 1;
  float *logits = logitsBuffer(rows);
  lastLogits = nullptr;
  int64_t count;
  for (int64_t done = 0; done < n; done += count) {
    count = std::min<int64_t>(n - done, maxBlock);
    const bool isLast = done + count == n;
    const int64_t nLogits = wanted == SHERRY_LOGITS_ALL              ? count
                            : wanted == SHERRY_LOGITS_LAST && isLast ? 1
                                                                     : 0;
    forward(tokens + done, count, nLogits, logits);
    for (int64_t i = 0; i < nLogits; ++i) {
      lastLogits = logits + i * model->abi().logits_stride;
      if (onLogits)
        onLogits(user, done + count - nLogits + i, lastLogits);
    }
    length += static_cast<uint32_t>(count);
  }
}

void Context::profile(bool on) {
  steps.reset();
  if (on)
    steps.emplace(model->metadata().numSteps, numThreads);
}

sherry_step_time Context::stepTime(uint32_t step) const {
  if (!steps)
    throw Error("the context has no profile; switch it on before evaluating");
  if (step >= steps->size())
    throw Error("step " + std::to_string(step) + " is not in [0, " +
                std::to_string(steps->size()) + ")");
  return steps->time(step);
}

void Context::forward(const int32_t *tokens, int64_t n, int64_t nLogits,
                      float *logits) {
  const sherry_abi_model &abi = model->abi();
  const sherry_abi_forward_fn entry = n == 1 ? abi.decode : abi.prefill;
  runTeam(numThreads, steps ? &*steps : nullptr,
          [&](const sherry_abi_team *team) {
            entry(model->weights(), cache.data(), workspace.data(), tokens,
                  logits, n, nLogits, length, cachePositions(), team);
          });
}
