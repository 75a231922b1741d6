//===- check_ranks.cpp - The same bits on several ranks -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: sherry-check-ranks WHOLE CUT RANKS
//
// WHOLE is a model, and the files of CUT are those of the same one cut among
// RANKS ranks. Evaluates texts with both, in blocks of many sizes, token by
// token and several at once: all logits and hidden states must be equal bit for
// bit. The ranks are threads of this process, which exchange through memory.
//
//===----------------------------------------------------------------------===//
#include "../Unit/Runtime/LocalExchange.h"
#include "Context.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

using namespace sherry;
using namespace sherry::runtime;
using namespace sherry::test;

namespace {

using Numbers = std::vector<float>;

/// Evaluates texts in a context, and keeps all that it gives.
class Reader {
public:
  Reader(std::shared_ptr<const Model> model, uint32_t numThreads)
      : vocab(model->abi().vocab_size), hidden(model->abi().hidden_size),
        context(std::move(model), makeOptions(numThreads)) {}

  Numbers read();

private:
  static sherry_context_options makeOptions(uint32_t numThreads) {
    sherry_context_options options = {};
    options.context = 256;
    options.threads = numThreads;
    options.sequences = 3;
    return options;
  }
  std::vector<int32_t> makeText(int64_t first, int64_t size) const {
    std::vector<int32_t> text;
    for (int64_t i = first; i < first + size; ++i)
      text.push_back(static_cast<int32_t>((11 + i * i * 31 + i) % vocab));
    return text;
  }
  void eval(std::vector<sherry_batch_entry> entries);

  int64_t vocab, hidden;
  Context context;
  Numbers numbers;
};

} // namespace

void Reader::eval(std::vector<sherry_batch_entry> entries) {
  struct State {
    Reader &reader;
    const std::vector<sherry_batch_entry> &entries;
  } state{*this, entries};
  context.eval(
      entries.data(), static_cast<int64_t>(entries.size()),
      [](void *user, int64_t entry, int64_t, const float *values) {
        auto &[reader, entries] = *static_cast<State *>(user);
        const sherry_logits kind = entries[static_cast<size_t>(entry)].logits;
        const bool areHidden =
            kind == SHERRY_HIDDEN_ALL || kind == SHERRY_HIDDEN_LAST;
        reader.numbers.insert(reader.numbers.end(), values,
                              values +
                                  (areHidden ? reader.hidden : reader.vocab));
      },
      &state);
}

Numbers Reader::read() {
  numbers.clear();
  // A prompt in blocks of all kinds, then token by token.
  int64_t done = 0;
  for (const auto &[size, kind] :
       {std::pair<int64_t, sherry_logits>(70, SHERRY_LOGITS_ALL),
        {2, SHERRY_LOGITS_LAST},
        {3, SHERRY_HIDDEN_ALL},
        {4, SHERRY_LOGITS_ALL},
        {9, SHERRY_LOGITS_NONE},
        {11, SHERRY_HIDDEN_LAST},
        {1, SHERRY_LOGITS_LAST},
        {1, SHERRY_LOGITS_NONE},
        {1, SHERRY_HIDDEN_LAST},
        {1, SHERRY_LOGITS_LAST}}) {
    const std::vector<int32_t> text = makeText(done, size);
    eval({{0, kind, text.data(), size}});
    done += size;
  }
  // Several sequences, one of which goes on from the other.
  const uint32_t fork = context.forkSequence(0, 67);
  const std::vector<int32_t> a = makeText(500, 40), b = makeText(700, 3),
                             c = makeText(900, 5);
  eval({{0, SHERRY_LOGITS_LAST, b.data(), 3},
        {1, SHERRY_LOGITS_ALL, a.data(), 40},
        {fork, SHERRY_HIDDEN_ALL, c.data(), 5}});
  for (int64_t i = 0; i < 2; ++i)
    eval({{0, SHERRY_LOGITS_LAST, c.data() + i, 1},
          {1, SHERRY_LOGITS_LAST, c.data() + i + 1, 1},
          {fork, SHERRY_LOGITS_LAST, c.data() + i + 2, 1}});
  // Pages that others have used.
  context.dropSequence(1);
  context.truncate(0, 30);
  const uint32_t next = context.createSequence();
  eval({{0, SHERRY_LOGITS_LAST, a.data(), 33},
        {next, SHERRY_LOGITS_ALL, c.data(), 4}});
  return numbers;
}

static Numbers readOnRanks(const std::string &path, uint32_t numRanks,
                           uint32_t numThreads) {
  Meeting meeting(numRanks);
  auto open = [&](uint32_t rank) {
    auto ranks =
        std::make_shared<Ranks>(std::make_unique<LocalExchange>(meeting, rank));
    return Ranks::open(ranks, path, SHERRY_WEIGHTS_COPIED);
  };
  std::vector<std::thread> others;
  for (uint32_t rank = 1; rank < numRanks; ++rank)
    others.emplace_back([&, rank] {
      const auto model = open(rank);
      model->ranks()->follow(*model);
    });
  Numbers result = Reader(open(0), numThreads).read();
  for (std::thread &other : others)
    other.join();
  return result;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fputs("usage: sherry-check-ranks WHOLE CUT RANKS\n", stderr);
    return 2;
  }
  try {
    const auto numRanks = static_cast<uint32_t>(std::atoi(argv[3]));
    const Numbers expected =
        Reader(std::make_shared<Model>(argv[1], SHERRY_WEIGHTS_COPIED), 1)
            .read();
    for (uint32_t numThreads : {1u, 2u}) {
      const Numbers actual = readOnRanks(argv[2], numRanks, numThreads);
      int64_t different = actual.size() != expected.size();
      for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i)
        different += std::memcmp(&actual[i], &expected[i], sizeof(float)) != 0;
      std::printf("%u ranks, %u threads: %zu numbers, %lld differ\n", numRanks,
                  numThreads, actual.size(), static_cast<long long>(different));
      if (different > 0)
        return 1;
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sherry-check-ranks: error: %s\n", error.what());
    // Other ranks may wait for this one.
    std::_Exit(1);
  }
  return 0;
}
