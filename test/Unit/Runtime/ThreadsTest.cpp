//===- ThreadsTest.cpp - Tests of the time slices of threads --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Threads.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

using namespace sherry::runtime;

/// The time slice of this thread in nanoseconds, as the system gives it.
static uint64_t getTimeSlice() {
  // The `runtime` of struct sched_attr is the fourth of its pairs of words.
  uint64_t attributes[6] = {};
  return syscall(SYS_sched_getattr, 0, attributes, sizeof(attributes), 0) == 0
             ? attributes[3]
             : 0;
}

static bool hasTimeSlices() {
  utsname name;
  int major = 0, minor = 0;
  return uname(&name) == 0 &&
         std::sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 12));
}

TEST(Threads, AThreadHasItsTimeSlice) {
  const int policy = sched_getscheduler(0);
  if (!hasTimeSlices() || (policy != SCHED_OTHER && policy != SCHED_BATCH))
    GTEST_SKIP() << "needs Linux 6.12, and SCHED_OTHER or SCHED_BATCH";
  std::thread([&] {
    const auto thread = static_cast<id_t>(gettid());
    ASSERT_EQ(setpriority(PRIO_PROCESS, thread, 19), 0);
    EXPECT_TRUE(setTimeSlice(3'000'000));
    EXPECT_EQ(getTimeSlice(), 3'000'000U);
    EXPECT_EQ(getpriority(PRIO_PROCESS, thread), 19);
    EXPECT_EQ(sched_getscheduler(0), policy);
  }).join();
}

TEST(Threads, ThreadsOfOtherPoliciesKeepTheirs) {
  std::thread([] {
    const sched_param none = {};
    ASSERT_EQ(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    const uint64_t before = getTimeSlice();
    EXPECT_FALSE(setTimeSlice(3'000'000));
    EXPECT_EQ(getTimeSlice(), before);
    EXPECT_EQ(sched_getscheduler(0), SCHED_IDLE);
  }).join();
}
