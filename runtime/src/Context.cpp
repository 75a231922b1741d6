//===- Context.cpp - Sequences and the model's memory of them -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Context.h"
#include "PrefixFile.h"
#include "sherry/support/Error.h"
#include "sherry/support/Threads.h"

#include <algorithm>

using namespace sherry::runtime;

static constexpr uint32_t defaultCapacity = 4096;

/// The value of an option, which is `standard` for 0; throws Error if it is
/// above `limit`.
static uint32_t resolve(uint32_t option, uint32_t standard, uint32_t limit,
                        const char *what) {
  if (option > limit)
    throw Error(std::string(what) + " of " + std::to_string(option) +
                " is too large, at most " + std::to_string(limit) +
                " is possible");
  return option ? option : standard;
}

static PagePool makePool(const sherry_abi_model &abi, uint32_t capacity,
                         uint32_t sequences, uint32_t pages) {
  const std::string what =
      (sequences == 1 ? "a context of "
                      : std::to_string(sequences) + " sequences of ") +
      std::to_string(capacity) + " positions (a smaller one needs less)";
  return PagePool(checkedMultiply(SHERRY_ABI_PAGE_POSITIONS,
                                  abi.kv_bytes_per_position, "a page"),
                  pages ? pages : sequences * Sequence::pagesOf(capacity),
                  what);
}

static uint32_t resolveCapacity(const sherry_abi_model &abi,
                                const sherry_context_options &options) {
  return resolve(options.context, std::min(defaultCapacity, abi.max_context),
                 abi.max_context, "a context");
}

static_assert(SHERRY_PAGE_POSITIONS == SHERRY_ABI_PAGE_POSITIONS &&
                  SHERRY_MAX_SEQUENCES == SHERRY_ABI_MAX_SEQUENCES,
              "what sherry.h says");

static uint32_t resolveSequences(const sherry_context_options &options) {
  return resolve(options.sequences, 1, SHERRY_ABI_MAX_SEQUENCES,
                 "a number of sequences");
}

Context::Context(std::shared_ptr<const Model> owner,
                 const sherry_context_options &options)
    : model(std::move(owner)), capacity(resolveCapacity(model->abi(), options)),
      maxBlock(resolve(options.block, model->maxBlock(), model->maxBlock(),
                       "a block")),
      numThreads(
          limitThreads(resolve(options.threads, defaultThreads(),
                               SHERRY_ABI_MAX_THREADS, "a thread count"))),
      pool(makePool(model->abi(), capacity, resolveSequences(options),
                    options.pages)),
      workspace(*model, numThreads) {
  slots.resize(resolveSequences(options));
  for (std::optional<Sequence> &slot : slots)
    slot.emplace(pool);
  for (auto *numbers :
       {&pending.tokens, &pending.positions, &pending.sequences})
    numbers->reserve(maxBlock);
  places.reserve(maxBlock);
  const sherry_abi_identity &part = model->part();
  if (part.n_ranks == 1)
    return;
  if (!model->ranks())
    throw Error("the model is the part of rank " + std::to_string(part.rank) +
                " of " + std::to_string(part.n_ranks) +
                "; start as many processes with mpirun, and name the model "
                "without the numbers");
  if (part.rank != 0)
    throw Error("only rank 0 has sequences; this is rank " +
                std::to_string(part.rank));
  pool.recordChanges();
  others.emplace(model->ranks(), pool, numThreads);
}

//===----------------------------------------------------------------------===//
// Sequences
//===----------------------------------------------------------------------===//

const Sequence &Context::sequence(uint32_t number) const {
  checkSequence(number);
  return *slots[number];
}

/// Returns its number, the lowest that is free.
uint32_t Context::add(Sequence sequence) {
  size_t number = 0;
  while (number < slots.size() && slots[number])
    ++number;
  if (number == SHERRY_ABI_MAX_SEQUENCES)
    throw Error("a context has at most " +
                std::to_string(SHERRY_ABI_MAX_SEQUENCES) +
                " sequences; drop one first");
  if (number == slots.size())
    slots.emplace_back();
  slots[number].emplace(std::move(sequence));
  return static_cast<uint32_t>(number);
}

uint32_t Context::createSequence() {
  checkIdle();
  return add(Sequence(pool));
}

void Context::dropSequence(uint32_t sequence) {
  checkIdle();
  checkSequence(sequence);
  slots[sequence].reset();
  lastLogits = nullptr;
}

void Context::checkPosition(uint32_t sequence, uint32_t position,
                            const char *action) const {
  checkSequence(sequence);
  const uint32_t length = slots[sequence]->length();
  if (position > length)
    throw Error("cannot " + std::string(action) + " a sequence of " +
                std::to_string(length) + " tokens " +
                (std::string(action) == "fork" ? "at " : "to ") +
                std::to_string(position));
}

uint32_t Context::forkSequence(uint32_t sequence, uint32_t position) {
  checkIdle();
  checkPosition(sequence, position, "fork");
  return add(slots[sequence]->fork(position));
}

void Context::truncate(uint32_t sequence, uint32_t position) {
  checkIdle();
  checkPosition(sequence, position, "truncate");
  slots[sequence]->truncate(position);
  lastLogits = nullptr;
}

void Context::saveSequence(uint32_t sequence, const std::string &path) const {
  checkIdle();
  checkSequence(sequence);
  checkAlone();
  writePrefix(path, model->checksum(), pool, *slots[sequence]);
}

uint32_t Context::loadSequence(const std::string &path) {
  checkIdle();
  checkAlone();
  return add(readPrefix(path, model->checksum(), model->abi().vocab_size, pool,
                        capacity));
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

void Context::checkIdle() const {
  if (isEvaluating)
    throw Error("the context is in use: a callback for logits must not change "
                "it");
}

/// Throws Error if other ranks have keys and values, too.
void Context::checkAlone() const {
  if (others)
    throw Error("sequences of a model that is cut among ranks cannot be saved "
                "and loaded");
}

void Context::checkSequence(uint32_t sequence) const {
  if (sequence >= slots.size())
    throw Error("sequence " + std::to_string(sequence) + " is not in [0, " +
                std::to_string(slots.size()) + ")");
  if (!slots[sequence])
    throw Error("sequence " + std::to_string(sequence) + " was dropped");
}

void Context::checkEntry(const sherry_batch_entry &entry) const {
  checkSequence(entry.sequence);
  checkEnumerator(entry.logits, SHERRY_HIDDEN_ALL, "sherry_logits");
  const uint32_t length = slots[entry.sequence]->length();
  const int64_t n = entry.n_tokens;
  if (n < 0 || n > capacity - length)
    throw Error(std::to_string(n) + " tokens after " + std::to_string(length) +
                " do not fit in a context of " + std::to_string(capacity) +
                " positions; use a larger context (the model allows " +
                std::to_string(model->abi().max_context) +
                ") or a shorter text");
  for (int64_t i = 0; i < n; ++i)
    if (entry.tokens[i] < 0 ||
        static_cast<uint32_t>(entry.tokens[i]) >= model->abi().vocab_size)
      throw Error("token " + std::to_string(entry.tokens[i]) + " at index " +
                  std::to_string(i) + " is not in [0, " +
                  std::to_string(model->abi().vocab_size) + ")");
}

void Context::checkEntries(const sherry_batch_entry *entries, int64_t n) const {
  if (n < 0)
    throw Error("a batch of " + std::to_string(n) + " entries");
  for (int64_t i = 0; i < n; ++i) {
    checkEntry(entries[i]);
    for (int64_t before = 0; before < i; ++before)
      if (entries[before].sequence == entries[i].sequence)
        throw Error("sequence " + std::to_string(entries[i].sequence) +
                    " occurs twice in a batch");
  }
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// Gets the pages that the entries will write, and lists those that they read.
void Context::makeRoom(const sherry_batch_entry *entries, int64_t n) {
  const auto stride = static_cast<size_t>(tableStride());
  pageTable.resize(std::max(pageTable.size(), static_cast<size_t>(n) * stride));
  try {
    for (int64_t i = 0; i < n; ++i)
      slots[entries[i].sequence]->makeRoom(
          static_cast<uint32_t>(entries[i].n_tokens));
  } catch (...) {
    for (int64_t i = 0; i < n; ++i)
      slots[entries[i].sequence]->dropRoom();
    throw;
  }
  for (int64_t i = 0; i < n; ++i) {
    const std::vector<int32_t> &pages = slots[entries[i].sequence]->pages();
    std::copy(pages.begin(), pages.end(),
              pageTable.begin() + i * static_cast<int64_t>(stride));
  }
}

/// The wanted output of a token.
enum class Output { Nothing, Hidden, Logits };

static Output outputOf(const sherry_batch_entry &entry, int64_t index) {
  const bool isLast = index == entry.n_tokens - 1;
  switch (entry.logits) {
  case SHERRY_LOGITS_NONE:
    break;
  case SHERRY_LOGITS_LAST:
    return isLast ? Output::Logits : Output::Nothing;
  case SHERRY_LOGITS_ALL:
    return Output::Logits;
  case SHERRY_HIDDEN_LAST:
    return isLast ? Output::Hidden : Output::Nothing;
  case SHERRY_HIDDEN_ALL:
    return Output::Hidden;
  }
  return Output::Nothing;
}

/// Fills the block with tokens from `next` on; returns the first token that
/// does not fit.
Context::Place Context::fillBlock(const sherry_batch_entry *entries, int64_t n,
                                  Place next) {
  auto &block = pending;
  for (auto *numbers : {&block.tokens, &block.positions, &block.sequences})
    numbers->clear();
  places.clear();
  Place end = next;
  // A model computes the outputs of the last tokens of a call.
  for (Output output : {Output::Nothing, Output::Hidden, Output::Logits}) {
    const size_t before = block.tokens.size();
    end = next;
    for (uint32_t count = 0; end.entry < n && count < maxBlock;) {
      const sherry_batch_entry &entry = entries[end.entry];
      if (end.index == entry.n_tokens) {
        end = {end.entry + 1, 0};
        continue;
      }
      ++count;
      if (outputOf(entry, end.index) == output) {
        block.tokens.push_back(entry.tokens[end.index]);
        block.positions.push_back(
            static_cast<int32_t>(slots[entry.sequence]->length() + end.index));
        block.sequences.push_back(static_cast<int32_t>(end.entry));
        places.push_back(end);
      }
      ++end.index;
    }
    const auto added = static_cast<int64_t>(block.tokens.size() - before);
    if (output == Output::Hidden)
      block.numHidden = added;
    if (output == Output::Logits)
      block.numLogits = added;
  }
  // Logits are computed from hidden states.
  block.numHidden += block.numLogits;
  return end;
}

/// Passes the outputs of a block to the caller, in the order of the tokens.
void Context::passOn(sherry_batch_logits_fn onLogits, void *user) {
  const auto numHidden = static_cast<size_t>(pending.numHidden);
  const auto numLogits = static_cast<size_t>(pending.numLogits);
  const size_t only = numHidden - numLogits; // without logits
  const Place *wanted = places.data() + (places.size() - numHidden);
  for (size_t i = 0; i < numHidden; ++i) {
    const float *values = workspace.hidden(i);
    if (i >= only)
      lastLogits = values = workspace.logits(i - only);
    if (onLogits)
      onLogits(user, wanted[i].entry, wanted[i].index, values);
  }
}

void Context::eval(const sherry_batch_entry *entries, int64_t n,
                   sherry_batch_logits_fn onLogits, void *user) {
  checkIdle();
  checkEntries(entries, n);
  int64_t total = 0, logits = 0, hidden = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t size = entries[i].n_tokens;
    total += size;
    if (size == 0)
      continue;
    // All tokens except the last one want the same output as the first.
    const Output first = outputOf(entries[i], 0); // unused if it is the last
    const Output last = outputOf(entries[i], size - 1);
    for (const auto &[output, count] :
         {std::pair(first, size - 1), {last, int64_t{1}}}) {
      logits += output == Output::Logits ? count : 0;
      hidden += output != Output::Nothing ? count : 0;
    }
  }
  if (total == 0)
    return;
  auto rowsOf = [&](int64_t wanted) {
    return static_cast<uint64_t>(std::clamp<int64_t>(wanted, 1, maxBlock));
  };
  makeRoom(entries, n);
  struct InUse {
    Context &context;
    const sherry_batch_entry *entries;
    int64_t n;
    InUse(Context &context, const sherry_batch_entry *entries, int64_t n)
        : context(context), entries(entries), n(n) {
      context.isEvaluating = true;
    }
    ~InUse() {
      context.isEvaluating = false;
      for (int64_t i = 0; i < n; ++i)
        context.slots[entries[i].sequence]->dropRoom();
    }
  } inUse(*this, entries, n);
  lastLogits = nullptr;
  workspace.reserve(*model, rowsOf(logits), rowsOf(hidden));
  // A function that is set during this evaluation is for the next one.
  const auto [function, functionUser] = std::pair(goesOn, goesOnUser);
  for (Place next{0, 0};;) {
    const bool isFirst = next.entry == 0 && next.index == 0;
    next = fillBlock(entries, n, next);
    if (pending.tokens.empty())
      break;
    if (!isFirst && function && !function(functionUser))
      throw Error("the evaluation was cancelled");
    forward(n);
    passOn(onLogits, user);
  }
  for (int64_t i = 0; i < n; ++i)
    slots[entries[i].sequence]->append(
        entries[i].tokens, static_cast<size_t>(entries[i].n_tokens));
}

void Context::startProfile(bool keepsEvents) {
  checkIdle();
  times.emplace(model->metadata().numSteps, numThreads, keepsEvents);
}

void Context::stopProfile() {
  checkIdle();
  times.reset();
}

const Profile &Context::profile() const {
  if (!times)
    throw Error("the context has no profile; switch it on before evaluating");
  return *times;
}

void Context::forward(int64_t numSequences) {
  const PageTable table{pageTable.data(), tableStride()};
  Profile *measured = times ? &*times : nullptr;
  if (others)
    others->run(workspace, *model, pending, table, numSequences, pool,
                measured);
  else
    workspace.run(*model, pending, table, pool.data(), numThreads, measured,
                  /*exchange=*/nullptr);
}
