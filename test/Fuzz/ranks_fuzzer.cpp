//===- ranks_fuzzer.cpp - Fuzzes what ranks send each other ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is what rank 0 sends, message after message. A rank that follows it
// refuses a message, or makes the call on a model. The input also changes the
// descriptions that two ranks send of their parts of a model: all ranks refuse
// them, or none does.
//
//===----------------------------------------------------------------------===//
#include "AddChecksum.h"
#include "Ranks.h"
#include "sherry/support/Error.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace sherry::runtime;

namespace {
/// The input as the messages of rank 0.
class Input : public Exchange {
public:
  Input(const uint8_t *data, size_t size) : data(data), left(size) {}

  uint32_t rank() const override { return 1; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *, size_t, bool) override {}
  void broadcast(void *out, size_t bytes) override {
    if (bytes > left)
      throw Error("rank 0 is gone");
    std::memcpy(out, data, bytes);
    data += bytes;
    left -= bytes;
  }

private:
  const uint8_t *data;
  size_t left;
};

/// Gathers what it is given.
class Given : public Exchange {
public:
  Given(uint32_t rank, const std::string &all) : mine(rank), given(all) {}

  uint32_t rank() const override { return mine; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *all, size_t bytes, bool) override {
    if (given.size() != size() * bytes)
      std::abort();
    std::memcpy(all, given.data(), given.size());
  }
  void broadcast(void *, size_t) override {}

private:
  uint32_t mine;
  const std::string &given;
};

/// Appends what is gathered to a text.
class Recorder : public Exchange {
public:
  Recorder(uint32_t rank, std::string &text) : mine(rank), text(text) {}

  uint32_t rank() const override { return mine; }
  uint32_t size() const override { return 2; }
  void allGather(const void *data, void *, size_t bytes, bool) override {
    text.append(static_cast<const char *>(data), bytes);
    throw Error("recorded");
  }
  void broadcast(void *, size_t) override {}

private:
  uint32_t mine;
  std::string &text;
};
} // namespace

static sherry_abi_identity makePart(uint32_t rank) {
  return {{1, 10 + rank}, 7, rank, 2};
}

/// Whether a rank refuses what it gathers through this exchange.
static bool isRefused(std::unique_ptr<Exchange> exchange) {
  Ranks ranks(std::move(exchange));
  try {
    ranks.compare(makePart(ranks.rank()), "");
  } catch (const Error &) {
    return true;
  }
  return false;
}

/// Two ranks compare their parts; the first bytes of the input say where the
/// others change the descriptions, and whether again and again.
static void compareParts(const uint8_t *data, size_t size) {
  static const std::string sent = [] {
    std::string result;
    for (uint32_t rank : {0u, 1u})
      isRefused(std::make_unique<Recorder>(rank, result));
    return result;
  }();
  std::string all = sent;
  constexpr size_t kFirst = 3;
  if (size > kFirst) {
    const size_t begin = data[0] + size_t{256} * data[1];
    const size_t changes = size - kFirst;
    const size_t count =
        data[2] % 2 ? all.size() : std::min(changes, all.size());
    for (size_t i = 0; i < count; ++i) {
      char &byte = all[(begin + i) % all.size()];
      byte = static_cast<char>(byte ^ data[kFirst + i % changes]);
    }
  }
  const bool refused = isRefused(std::make_unique<Given>(0, all));
  if (refused != isRefused(std::make_unique<Given>(1, all)) ||
      (all == sent && refused))
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  compareParts(data, size);
  static const Model model = [] {
    sherry::test::addChecksum(SHERRY_DEMO);
    return Model(SHERRY_DEMO, SHERRY_WEIGHTS_COPIED);
  }();
  Ranks ranks(std::make_unique<Input>(data, size));
  try {
    ranks.follow(model);
  } catch (const Error &) {
    // Refused; anything else ends the program.
  }
  return 0;
}
