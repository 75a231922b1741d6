//===- RanksTest.cpp - Tests of processes that run a model together -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ranks.h"
#include "LocalExchange.h"
#include "Team.h"
#include "TestSupport.h"
#include "sherry/support/RankFile.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>
#include <tuple>

namespace test = sherry::test;
using namespace sherry::runtime;

static sherry_abi_identity makePart(uint32_t rank) {
  return {{1, 10 + rank}, 7, rank, 2};
}

/// What two ranks with these parts say of them. `arguments` are those of the
/// exchange after the rank.
template <typename Exchange = test::LocalExchange, typename... Arguments>
static std::vector<std::string>
compare(const sherry_abi_identity &first, const sherry_abi_identity &second,
        const std::string &problem = "", Arguments... arguments) {
  test::Meeting meeting(2);
  std::vector<std::string> errors(2);
  auto run = [&](uint32_t rank) {
    Ranks ranks(std::make_unique<Exchange>(meeting, rank, arguments...));
    try {
      ranks.compare(rank ? second : first, rank ? problem : "");
    } catch (const Error &error) {
      errors[rank] = error.what();
    }
  };
  std::thread other([&] { run(1); });
  run(0);
  other.join();
  return errors;
}

TEST(Ranks, PartsOfAnotherModelAreRefusedByAll) {
  for (const auto &[second, message] :
       {std::pair(sherry_abi_identity{{2, 11}, 7, 1, 2},
                  "rank 1 has a part of another model than rank 0"),
        {sherry_abi_identity{{1, 11}, 8, 1, 2},
         "rank 1 has a part of another model than rank 0"},
        {sherry_abi_identity{{1, 11}, 7, 0, 2},
         "rank 1 has the part of rank 0"},
        {sherry_abi_identity{{1, 11}, 7, 1, 4},
         "rank 1 has a part of a model that is cut among 4 ranks; 2 are "
         "running"}})
    for (const std::string &error : compare(makePart(0), second))
      EXPECT_EQ(error, message);
}

TEST(Ranks, AllHearWhatIsWrongWithOne) {
  const std::vector<std::string> errors =
      compare(makePart(0), {}, "m.1-of-2.so: no such file");
  EXPECT_EQ(errors[0], "rank 1: m.1-of-2.so: no such file");
  EXPECT_EQ(errors[1], "m.1-of-2.so: no such file");
}

namespace {
/// The ranks, of which one has a runtime of another version of the ABI.
class OtherVersion : public test::LocalExchange {
public:
  OtherVersion(test::Meeting &meeting, uint32_t rank, uint32_t other)
      : LocalExchange(meeting, rank), other(other) {}

  void allGather(const void *mine, void *all, size_t bytes,
                 bool isPatient) override {
    LocalExchange::allGather(mine, all, bytes, isPatient);
    // A description begins with the version.
    const uint32_t version = SHERRY_ABI_VERSION + 1;
    std::memcpy(static_cast<char *>(all) + other * bytes, &version,
                sizeof(version));
  }

private:
  uint32_t other;
};
} // namespace

TEST(Ranks, AnotherVersionOfTheAbiIsRefusedByAll) {
  for (uint32_t other : {0u, 1u}) {
    // Said even where the rest would be refused, too: another version may
    // describe a part in another way.
    for (const sherry_abi_identity &second :
         {makePart(1), sherry_abi_identity{}}) {
      const std::string message =
          "rank " + std::to_string(other) + " has a runtime with ABI version " +
          std::to_string(SHERRY_ABI_VERSION + 1) + ", others with " +
          std::to_string(SHERRY_ABI_VERSION);
      EXPECT_EQ(compare<OtherVersion>(makePart(0), second, "", other),
                std::vector<std::string>(2, message));
    }
  }
}

namespace {
/// The way to ranks of which one is gone.
struct Broken : Exchange {
  uint32_t rank() const override { return 1; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *, size_t, bool) override {
    ++calls;
    throw Error("gone");
  }
  void broadcast(void *, size_t) override { throw Error("gone"); }

  int calls = 0;
};
} // namespace

TEST(Ranks, AModelIsOpenedOnce) {
  const auto ranks = std::make_shared<Ranks>(std::make_unique<Broken>());
  auto refusal = [&]() -> std::string {
    try {
      Ranks::open(ranks, "m.so", SHERRY_WEIGHTS_MAPPED);
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(), "gone");
  EXPECT_EQ(refusal(), "the ranks that run a model cannot open another");
}

TEST(Ranks, AFailedExchangeIsTheLastOfACall) {
  Broken exchange;
  EXPECT_THROW(
      runTeam(2, nullptr, &exchange,
              [](const sherry_abi_environment *environment) {
                EXPECT_EQ(environment->rank, 1);
                for (int32_t step = 0; step < 3; ++step) {
                  sherry_abi_range range;
                  while (range = environment->take(environment, step, 1, 0),
                         range.begin < range.end)
                    environment->exchange(environment, nullptr, nullptr, 0);
                }
              }),
      Error);
  EXPECT_EQ(exchange.calls, 1);
}

//===----------------------------------------------------------------------===//
// Rank 0
//===----------------------------------------------------------------------===//

namespace {
/// Others that leave before the message `last`.
struct Leaving : Exchange {
  uint32_t rank() const override { return 0; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *, size_t, bool) override {}
  void broadcast(void *data, size_t bytes) override {
    if (messages.size() == last)
      throw Error("gone");
    messages.emplace_back(static_cast<const char *>(data), bytes);
  }

  size_t last = 100;
  std::vector<std::string> messages;
};
} // namespace

TEST(Ranks, AfterACallThatFailsThereIsNoOther) {
  const Model model(test::demoPath(), SHERRY_WEIGHTS_COPIED);
  auto exchange = std::make_unique<Leaving>();
  Leaving &others = *exchange;
  const auto ranks = std::make_shared<Ranks>(std::move(exchange));
  PagePool pool(SHERRY_ABI_PAGE_POSITIONS * model.abi().kv_bytes_per_position,
                4, "");
  pool.recordChanges();
  {
    const RemoteContext context(ranks, pool, 1);
    Workspace workspace(model, 1);
    workspace.reserve(model, 1, 1);
    Call call;
    call.tokens = {5};
    call.positions = call.sequences = {0};
    const int32_t page = pool.allocate();
    auto run = [&]() -> std::string {
      try {
        context.run(workspace, model, call, {&page, 1}, 1, pool, nullptr);
      } catch (const Error &error) {
        return error.what();
      }
      return "";
    };
    EXPECT_EQ(run(), "");
    EXPECT_TRUE(ranks->areTogether());
    others.last = others.messages.size() + 1; // after the header of the call
    EXPECT_EQ(run(), "gone");
    EXPECT_FALSE(ranks->areTogether());
    EXPECT_EQ(run(), "another rank is gone");
  }
  // Nothing is said where nobody listens.
  EXPECT_EQ(others.messages.size(), others.last);
}

namespace {
/// As in Ranks.cpp.
struct Header {
  uint32_t command, context, pages, numThreads;
  uint32_t numTokens, numLogits, numHidden, numSequences, tableStride;
  uint32_t numChanges;
};
enum : uint32_t { End, MakeContext, DropContext, Run };

/// A rank 0 that says what it is told to.
class Script : public Exchange {
public:
  uint32_t rank() const override { return 1; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *, size_t, bool) override {}
  void broadcast(void *data, size_t bytes) override {
    if (next == messages.size() || messages[next].size() != bytes)
      throw Error("there is no message of " + std::to_string(bytes) + " bytes");
    std::memcpy(data, messages[next++].data(), bytes);
  }

  void say(const Header &header, const std::vector<int32_t> &numbers = {}) {
    messages.emplace_back(reinterpret_cast<const char *>(&header),
                          sizeof(header));
    if (header.command == Run)
      messages.emplace_back(reinterpret_cast<const char *>(numbers.data()),
                            numbers.size() * sizeof(int32_t));
  }

private:
  std::vector<std::string> messages;
  size_t next = 0;
};

/// A call of three tokens of two sequences, with a page each.
const Header goodCall = {Run, 5, 0, 0, 3, 1, 2, 2, 1, 1};
const std::vector<int32_t> goodNumbers = {
    4, 5, 6, 0, 1, 0, /*sequences=*/0, 0, 1, /*pages=*/2, 0, /*changes=*/0, -1};
} // namespace

/// The error where a call is made; empty if there is none.
static std::string follow(const Header &header,
                          const std::vector<int32_t> &numbers) {
  const Model model(test::demoPath(), SHERRY_WEIGHTS_COPIED);
  auto script = std::make_unique<Script>();
  script->say({MakeContext, 5, 4, 1, 0, 0, 0, 0, 0, 0});
  script->say(header, numbers);
  script->say({DropContext, 5, 0, 0, 0, 0, 0, 0, 0, 0});
  script->say({});
  Ranks ranks(std::move(script));
  try {
    ranks.follow(model);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST(Ranks, CallsAreMadeUntilRank0Leaves) {
  EXPECT_EQ(follow(goodCall, goodNumbers), "");
}

TEST(Ranks, WrongMessagesAreRefused) {
  auto refused = [](uint32_t Header::*field, uint32_t value) {
    Header header = goodCall;
    header.*field = value;
    return follow(header, goodNumbers);
  };
  const std::string wrong = "rank 0 has sent a wrong message: ";
  EXPECT_EQ(refused(&Header::command, 4), wrong + "an unknown command");
  EXPECT_EQ(refused(&Header::context, 4), wrong + "an unknown context");
  for (const auto &[field, value] : {std::pair(&Header::numTokens, 0u),
                                     {&Header::numTokens, 17u},
                                     {&Header::numHidden, 4u},
                                     {&Header::numLogits, 3u}})
    EXPECT_EQ(refused(field, value), wrong + "the size of a block");
  EXPECT_EQ(refused(&Header::numSequences, 1025),
            wrong + "the size of the page table");
  EXPECT_EQ(refused(&Header::tableStride, 17),
            wrong + "the size of the page table");
  EXPECT_EQ(refused(&Header::numChanges, 9),
            wrong + "the number of changes of pages");
  for (const auto &[at, value, what] : {std::tuple(0, -1, "tokens"),
                                        {1, 1 << 20, "tokens"},
                                        {3, -1, "positions"},
                                        {4, 64, "positions"},
                                        {6, -1, "sequences"},
                                        {8, 2, "sequences"},
                                        {9, 4, "pages"},
                                        {10, -1, "pages"},
                                        {11, 4, "changes of pages"},
                                        {12, -2, "changes of pages"},
                                        {12, 4, "changes of pages"}}) {
    std::vector<int32_t> numbers = goodNumbers;
    numbers[static_cast<size_t>(at)] = value;
    EXPECT_EQ(follow(goodCall, numbers), wrong + what) << at;
  }
}

TEST(Ranks, NobodyFollowsTwice) {
  const Model model(test::demoPath(), SHERRY_WEIGHTS_COPIED);
  auto script = std::make_unique<Script>();
  script->say({});
  Ranks ranks(std::move(script));
  ranks.follow(model);
  EXPECT_THROW(ranks.follow(model), Error);
}

//===----------------------------------------------------------------------===//
// Links
//===----------------------------------------------------------------------===//

TEST(Link, ExchangesTakeTheTimeOfTheNetwork) {
  Link link(std::make_unique<Script>());
  for (const auto &[bandwidth, latency] : {std::pair(0.5, 1.0),
                                           {1e9, 0.0},
                                           {1e9, 11.0},
                                           {std::nan(""), 1.0},
                                           {1e9, std::nan("")}})
    EXPECT_THROW(link.simulate(bandwidth, latency), Error);
  char data[1000];
  auto secondsOf = [&](auto function) {
    const auto begin = std::chrono::steady_clock::now();
    function();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         begin)
        .count();
  };
  link.allGather(data, data, 500, /*isPatient=*/false);
  EXPECT_EQ(link.bytesReceived(), 500u);
  link.simulate(/*bandwidth=*/50'000, /*latency=*/0.02);
  EXPECT_GE(secondsOf([&] { link.allGather(data, data, 500, false); }), 0.03);
  EXPECT_EQ(link.bytesReceived(), 1000u);
  // Those of the start are not counted.
  link.allGather(data, data, 500, /*isPatient=*/true);
  EXPECT_EQ(link.bytesReceived(), 1000u);
}

TEST(Ranks, OneRankHasNobodyToExchangeWith) {
  runTeam(1, nullptr, nullptr, [](const sherry_abi_environment *environment) {
    EXPECT_EQ(environment->exchange, nullptr);
    EXPECT_EQ(environment->rank, 0);
  });
}

TEST(Ranks, FilesAreNamedByTheirRanks) {
  EXPECT_EQ(sherry::rankFileName("m.so", 0, 2), "m.0-of-2.so");
  EXPECT_EQ(sherry::rankFileName("a.b/m", 3, 10), "a.b/m.3-of-10");
  EXPECT_EQ(sherry::rankFileName("a.b/.so", 1, 2), "a.b/.so.1-of-2");
}
