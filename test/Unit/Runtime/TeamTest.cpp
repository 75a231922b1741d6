//===- TeamTest.cpp - Tests of the division of a call ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Team.h"

#include <gtest/gtest.h>

#include <future>
#include <random>
#include <thread>

using namespace sherry::runtime;

namespace {
struct Step {
  int64_t count, grain;
};

/// A call whose steps read all that the step before them wrote, in two buffers
/// in turn.
class Call {
public:
  Call() {
    std::mt19937 random(27);
    for (int i = 0; i < 200; ++i)
      steps.push_back({static_cast<int64_t>(random() % 5 == 0 ? random() % 3
                                                              : random() % 200),
                       static_cast<int64_t>(random() % 5)});
    steps.push_back({64, 1});
    for (std::vector<uint64_t> &buffer : buffers)
      buffer.assign(200, 1);
  }

  /// What a thread of the team does. Returns how many iterations it ran.
  int64_t run(const sherry_abi_environment *environment) {
    int64_t iterations = 0;
    for (size_t s = 0; s < steps.size(); ++s) {
      const std::vector<uint64_t> &from = buffers[s % 2];
      std::vector<uint64_t> &to = buffers[(s + 1) % 2];
      sherry_abi_range range;
      while (range = environment->take(environment, static_cast<int32_t>(s),
                                       steps[s].count, steps[s].grain),
             range.begin < range.end)
        for (int64_t i = range.begin; i < range.end; ++i, ++iterations) {
          uint64_t sum = s;
          for (uint64_t x : from)
            sum = sum * 31 + x;
          to[static_cast<size_t>(i)] += sum + static_cast<uint64_t>(i);
        }
    }
    return iterations;
  }

  int64_t numIterations() const {
    int64_t sum = 0;
    for (const Step &step : steps)
      sum += step.count;
    return sum;
  }

  std::vector<Step> steps;
  std::vector<uint64_t> buffers[2];
};

/// A member of a team that is stopped before some steps, as a script says,
/// until the step has ended for another thread.
class Delayed {
public:
  Delayed(const Member &inner, std::atomic<int64_t> &ahead, uint32_t seed)
      : inner(inner), ahead(ahead), random(seed), mine(*inner.environment()) {
    mine.take = take;
    mine.user = this;
  }

  const sherry_abi_environment *environment() const { return &mine; }

private:
  static sherry_abi_range take(const sherry_abi_environment *environment,
                               int32_t step, int64_t count, int64_t grain) {
    auto &self = *static_cast<Delayed *>(environment->user);
    if (self.isBetween && self.random() % 4 == 0)
      while (self.ahead.load() <= step)
        std::this_thread::yield();
    const sherry_abi_range range = self.inner.environment()->take(
        self.inner.environment(), step, count, grain);
    self.isBetween = range.begin == range.end;
    return range;
  }

  const Member &inner;
  std::atomic<int64_t> &ahead;
  std::mt19937 random;
  bool isBetween = true; ///< steps
  sherry_abi_environment mine;
};

/// Counts the steps that have ended for a thread.
class Counting {
public:
  Counting(const Member &inner, std::atomic<int64_t> &ended)
      : inner(inner), ended(ended), mine(*inner.environment()) {
    mine.take = take;
    mine.user = this;
  }

  const sherry_abi_environment *environment() const { return &mine; }

private:
  static sherry_abi_range take(const sherry_abi_environment *environment,
                               int32_t step, int64_t count, int64_t grain) {
    auto &self = *static_cast<Counting *>(environment->user);
    const sherry_abi_range range = self.inner.environment()->take(
        self.inner.environment(), step, count, grain);
    if (range.begin == range.end)
      self.ended.store(step + 1);
    return range;
  }

  const Member &inner;
  std::atomic<int64_t> &ended;
  sherry_abi_environment mine;
};
} // namespace

static Call runAlone() {
  Call call;
  Division division(1, 0);
  Member member(division, 0, 1, nullptr);
  EXPECT_EQ(call.run(member.environment()), call.numIterations());
  return call;
}

TEST(Team, EveryTeamGivesTheSame) {
  const Call expected = runAlone();
  for (int64_t numThreads : {2, 3, 7}) {
    Call call;
    Profile profile(call.steps.size(), static_cast<uint32_t>(numThreads),
                    /*keepsEvents=*/false);
    Division division(numThreads, 100);
    std::atomic<int64_t> iterations{0};
    std::vector<std::thread> threads;
    for (int64_t thread = 0; thread < numThreads; ++thread)
      threads.emplace_back([&, thread] {
        Member member(division, thread, numThreads, &profile);
        iterations += call.run(member.environment());
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(iterations, call.numIterations());
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(call.buffers[i], expected.buffers[i]) << numThreads;
    for (size_t step = 0; step < profile.size(); ++step)
      EXPECT_EQ(profile.time(step).calls, 1U);
  }
}

TEST(Team, ACallEndsBeforeAThreadHasBegun) {
  const Call expected = runAlone();
  Call call;
  Division division(3, 100);
  std::promise<void> end;
  int64_t late = -1;
  std::thread last([&] {
    end.get_future().wait();
    Member member(division, 1, 3, nullptr);
    late = call.run(member.environment());
  });
  int64_t others[2];
  std::thread second([&] {
    Member member(division, 2, 3, nullptr);
    others[1] = call.run(member.environment());
  });
  Member member(division, 0, 3, nullptr);
  others[0] = call.run(member.environment());
  second.join();
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(call.buffers[i], expected.buffers[i]);
  EXPECT_EQ(others[0] + others[1], call.numIterations());
  end.set_value();
  last.join();
  EXPECT_EQ(late, 0);
}

TEST(Team, AThreadIsStoppedBetweenSteps) {
  const Call expected = runAlone();
  for (uint32_t seed = 0; seed < 5; ++seed) {
    Call call;
    Division division(2, 10);
    std::atomic<int64_t> ended{0};
    int64_t stopped = -1;
    std::thread other([&] {
      Member member(division, 1, 2, nullptr);
      const Delayed delayed(member, ended, seed);
      stopped = call.run(delayed.environment());
    });
    Member member(division, 0, 2, nullptr);
    const Counting counting(member, ended);
    const int64_t mine = call.run(counting.environment());
    other.join();
    EXPECT_EQ(mine + stopped, call.numIterations());
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(call.buffers[i], expected.buffers[i]) << seed;
  }
}

TEST(Team, RangesAreMultiplesOfTheGrain) {
  Division division(2, 0);
  Member first(division, 0, 2, nullptr), second(division, 1, 2, nullptr);
  auto take = [](const Member &member, int64_t count, int64_t grain) {
    return member.environment()->take(member.environment(), -1, count, grain);
  };
  // Shares are [0, 50) and [50, 100).
  sherry_abi_range range = take(second, 100, 8);
  EXPECT_EQ(range.begin, 50);
  EXPECT_EQ(range.end, 56);
  int64_t next = 0;
  while (next < 50) {
    range = take(first, 100, 8);
    EXPECT_EQ(range.begin, next);
    EXPECT_TRUE(range.end % 8 == 0 || range.end == 50) << range.end;
    next = range.end;
  }
  // Those of the other, but what it has taken.
  next = 56;
  while (next < 100) {
    range = take(first, 100, 8);
    EXPECT_EQ(range.begin, next);
    EXPECT_TRUE(range.end % 8 == 0 || range.end == 100) << range.end;
    next = range.end;
  }
  // The step ends when both have finished.
  std::thread other([&] {
    const sherry_abi_range none = take(second, 100, 8);
    EXPECT_EQ(none.begin, none.end);
  });
  range = take(first, 100, 8);
  EXPECT_EQ(range.begin, range.end);
  other.join();
  // Shares that are not cut.
  range = take(first, 5, 0);
  EXPECT_EQ(range.begin, 0);
  EXPECT_EQ(range.end, 2);
}
