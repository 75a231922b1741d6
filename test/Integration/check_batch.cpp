//===- check_batch.cpp - Sequences of a batch do not meet -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: sherry-check-batch MODEL
//
// Decodes several texts of different lengths together, and each one alone: the
// logits must be equal bit for bit, whatever the batch. On a thread with the
// smallest stack that sherry.h allows; that of OpenMP's threads is set by
// OMP_STACKSIZE.
//
//===----------------------------------------------------------------------===//
#include "sherry/owners.h"

#include <algorithm>
#include <cstdio>
#include <pthread.h>
#include <vector>

using namespace sherry;

namespace {

using Logits = std::vector<float>;

class Checker {
public:
  explicit Checker(const char *path)
      : model(check(sherry_model_open(path, SHERRY_WEIGHTS_COPIED))),
        vocab(sherry_model_vocab_size(model.get())) {}

  /// Returns how many logits of a batch differ from those of its texts alone.
  int64_t run(uint32_t sequences, uint32_t threads) const;
  /// Returns how many numbers of the hidden states of texts, evaluated in
  /// blocks together with another one, differ from those of the texts alone,
  /// token by token.
  int64_t runHidden() const;

private:
  static constexpr int64_t numDecoded = 3;

  Context makeContext(uint32_t sequences, uint32_t threads) const {
    sherry_context_options options = {};
    options.context = 200;
    options.threads = threads;
    options.sequences = sequences;
    return Context(check(sherry_context_create(model.get(), &options)));
  }
  std::vector<int32_t> makeText(uint32_t number) const;
  std::vector<Logits> evaluateAlone(uint32_t number) const;
  std::vector<Logits> findHidden(uint32_t block, bool isTogether) const;

  Model model;
  uint32_t vocab;
};

} // namespace

/// A prompt of any length, then tokens that are decoded one after the other.
std::vector<int32_t> Checker::makeText(uint32_t number) const {
  const int64_t length = 1 + 37 * number % 101 + numDecoded;
  std::vector<int32_t> text;
  for (int64_t i = 0; i < length; ++i)
    text.push_back(
        static_cast<int32_t>((11 + number * 577 + i * i * 31) % vocab));
  return text;
}

std::vector<Logits> Checker::evaluateAlone(uint32_t number) const {
  const std::vector<int32_t> text = makeText(number);
  Context context = makeContext(1, 1);
  std::vector<Logits> result;
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t done = 0, n; done < size; done += n) {
    n = done == 0 ? size - numDecoded : 1;
    check(sherry_eval(context.get(), text.data() + done, n, SHERRY_LOGITS_LAST,
                      nullptr, nullptr));
    const float *logits = sherry_context_logits(context.get());
    result.emplace_back(logits, logits + vocab);
  }
  return result;
}

int64_t Checker::run(uint32_t sequences, uint32_t threads) const {
  std::vector<std::vector<int32_t>> texts;
  std::vector<std::vector<Logits>> together(sequences);
  for (uint32_t i = 0; i < sequences; ++i)
    texts.push_back(makeText(i));
  Context context = makeContext(sequences, threads);
  struct Receiver {
    std::vector<std::vector<Logits>> &logits;
    uint32_t vocab;
  } receiver{together, vocab};
  for (int64_t round = 0; round <= numDecoded; ++round) {
    std::vector<sherry_batch_entry> entries;
    for (uint32_t i = 0; i < sequences; ++i) {
      const int64_t prompt = static_cast<int64_t>(texts[i].size()) - numDecoded;
      entries.push_back(
          {i, SHERRY_LOGITS_LAST,
           texts[i].data() + (round == 0 ? 0 : prompt + round - 1),
           round == 0 ? prompt : 1});
    }
    check(sherry_eval_batch(
        context.get(), entries.data(), sequences,
        [](void *user, int64_t entry, int64_t, const float *logits) {
          auto *receiver = static_cast<Receiver *>(user);
          receiver->logits[entry].emplace_back(logits,
                                               logits + receiver->vocab);
        },
        &receiver));
  }
  int64_t different = 0;
  for (uint32_t i = 0; i < sequences; ++i) {
    const std::vector<Logits> alone = evaluateAlone(i);
    different += together[i].size() != alone.size();
    for (size_t step = 0; step < std::min(alone.size(), together[i].size());
         ++step)
      for (uint32_t id = 0; id < vocab; ++id)
        different += together[i][step][id] != alone[step][id];
  }
  return different;
}

/// The hidden states of the first text, and that of the last token of the
/// third; `isTogether`: with the logits of the second in one batch.
std::vector<Logits> Checker::findHidden(uint32_t block, bool isTogether) const {
  sherry_context_options options = {};
  options.context = 200;
  options.block = block;
  options.threads = 2;
  options.sequences = 3;
  Context context(check(sherry_context_create(model.get(), &options)));
  const std::vector<int32_t> texts[] = {makeText(0), makeText(1), makeText(2)};
  const sherry_logits wanted[] = {SHERRY_HIDDEN_ALL, SHERRY_LOGITS_LAST,
                                  SHERRY_HIDDEN_LAST};
  std::vector<sherry_batch_entry> entries;
  for (uint32_t i = 0; i < 3; ++i)
    entries.push_back(
        {i, wanted[i], texts[i].data(), static_cast<int64_t>(texts[i].size())});
  struct Receiver {
    uint32_t size;
    int64_t first = 0; ///< entry of the call, among the three
    std::vector<Logits> rows[3] = {};
  } receiver = {sherry_model_hidden_size(model.get())};
  auto evaluate = [&](int64_t first, int64_t count) {
    receiver.first = first;
    check(sherry_eval_batch(
        context.get(), &entries[first], count,
        [](void *user, int64_t entry, int64_t, const float *values) {
          auto *receiver = static_cast<Receiver *>(user);
          receiver->rows[receiver->first + entry].emplace_back(
              values, values + receiver->size);
        },
        &receiver));
  };
  if (isTogether) {
    evaluate(0, 3);
  } else {
    evaluate(0, 1);
    evaluate(2, 1);
  }
  std::vector<Logits> result = std::move(receiver.rows[0]);
  result.insert(result.end(), receiver.rows[2].begin(), receiver.rows[2].end());
  return result;
}

int64_t Checker::runHidden() const {
  const std::vector<Logits> alone = findHidden(1, false);
  const size_t expected = makeText(0).size() + 1;
  int64_t different = alone.size() != expected;
  for (const Logits &row : alone)
    different +=
        std::all_of(row.begin(), row.end(), [](float x) { return x == 0; });
  for (uint32_t block : {0, 8, 13}) {
    const std::vector<Logits> together = findHidden(block, true);
    different += together.size() != expected;
    for (size_t i = 0; i < std::min(alone.size(), together.size()); ++i)
      for (size_t k = 0; k < alone[i].size(); ++k)
        different += together[i][k] != alone[i][k];
  }
  return different;
}

/// Whether batches of all sizes give the right logits.
static bool runAll(const Checker &checker) {
  int64_t different = 0;
  for (uint32_t sequences : {1, 2, 3, 5, 8, 13, 70})
    for (uint32_t threads : {1, 2}) {
      const int64_t found = checker.run(sequences, threads);
      std::printf("%u sequences, %u threads: %lld logits differ\n", sequences,
                  threads, static_cast<long long>(found));
      different += found;
    }
  const int64_t hidden = checker.runHidden();
  std::printf("%lld numbers of hidden states differ\n",
              static_cast<long long>(hidden));
  return different + hidden == 0;
}

/// The body of the thread; null if all is well.
static void *run(void *checker) {
  try {
    return runAll(*static_cast<const Checker *>(checker)) ? nullptr : checker;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sherry-check-batch: error: %s\n", error.what());
    return checker;
  }
}

int main(int argc, char **argv) {
  constexpr size_t stackBytes = 1 << 16;
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL\n", argv[0]);
    return 2;
  }
  try {
    Checker checker(argv[1]);
    pthread_attr_t attributes;
    pthread_t thread;
    void *failure = &checker;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, stackBytes) != 0 ||
        pthread_create(&thread, &attributes, run, &checker) != 0 ||
        pthread_join(thread, &failure) != 0)
      throw std::runtime_error("cannot start a thread with 64 KiB of stack");
    return failure != nullptr;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sherry-check-batch: error: %s\n", error.what());
    return 1;
  }
}
