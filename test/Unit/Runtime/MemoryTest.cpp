//===- MemoryTest.cpp - Work of threads, and the pages that they copy -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Memory.h"
#include "TestSupport.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>
#include <omp.h>
#include <set>
#include <vector>

using namespace sherry::test;
using namespace sherry::runtime;

TEST(Parallel, WorkIsDoneByItsOwner) {
  std::vector<uint64_t> threads(100, UINT64_MAX);
  std::atomic<uint64_t> team{0};
  auto record = [&](uint64_t i) {
    threads[i] = static_cast<uint64_t>(omp_get_thread_num());
    team = static_cast<uint64_t>(omp_get_num_threads());
  };
  parallelFor(threads.size(), record,
              [](uint64_t i, uint64_t n) { return i * i % 7 % n; });
  for (uint64_t i = 0; i < threads.size(); ++i)
    EXPECT_EQ(threads[i], i * i % 7 % team);
  parallelFor(threads.size(), record);
  for (uint64_t i = 0; i < threads.size(); ++i)
    EXPECT_EQ(threads[i], i % team);
}

TEST(Mapping, PagesAreCopiedByTheirOwners) {
  TempFolder folder;
  const std::string path = folder.path("weights");
  std::string bytes(7 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 7 >> 8 ^ i);
  std::ofstream(path, std::ios::binary) << bytes;
  const File file(path);
  std::mutex mutex;
  std::set<uint64_t> pages;
  const Mapping copy = Mapping::copyOfFile(
      file, 1, bytes.size() - 1, [&](uint64_t byte, uint64_t threads) {
        const std::lock_guard lock(mutex);
        pages.insert(byte >> 21);
        EXPECT_LT(byte, uint64_t{8} << 20);
        return (byte >> 21) == 1 ? threads - 1 : 0;
      });
  EXPECT_EQ(pages, (std::set<uint64_t>{0, 1, 2, 3}));
  EXPECT_EQ(std::memcmp(copy.data(), bytes.data() + 1, bytes.size() - 1), 0);
}
