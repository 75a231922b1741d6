//===- PagePoolTest.cpp - Changes of pages that other ranks hear of -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PagePool.h"
#include "TestSupport.h"

using namespace sherry::runtime;

/// What is recorded, as text.
static std::string changesOf(const PagePool &pool) {
  std::string result;
  for (const PageChange &change : pool.neededChanges())
    result +=
        std::to_string(change.page) + "<" + std::to_string(change.source) + " ";
  return result;
}

// Followers would be told more and more changes where calls fail for want of
// pages.
TEST(PagePool, ChangesOfPagesThatNobodyHoldsAreForgotten) {
  PagePool pool(64, 4, "");
  pool.recordChanges();
  for (int i = 0; i < 4; ++i)
    pool.allocate();
  EXPECT_EQ(changesOf(pool), ""); // pages are zeros at first
  for (int round = 0; round < 3; ++round) {
    for (int32_t page : {0, 1, 2})
      pool.release(page);
    for (int32_t page : {2, 1, 0})
      EXPECT_EQ(pool.allocate(), page);
  }
  EXPECT_EQ(changesOf(pool), "2<-1 1<-1 0<-1 ");
  // 0 is where the contents of 3 come from.
  pool.release(3);
  EXPECT_EQ(pool.copy(0), 3);
  pool.release(0);
  EXPECT_EQ(changesOf(pool), "2<-1 1<-1 0<-1 3<0 ");
  pool.release(3);
  EXPECT_EQ(changesOf(pool), "2<-1 1<-1 ");
  pool.forgetChanges();
  EXPECT_EQ(changesOf(pool), "");
}

TEST(PagePool, ChangesOfAPageThatWasCopiedOnceAreForgotten) {
  PagePool pool(64, 3, "");
  pool.recordChanges();
  EXPECT_EQ(pool.allocate(), 0);
  EXPECT_EQ(pool.copy(0), 1);
  for (int round = 0; round < 100; ++round) {
    pool.release(0);
    EXPECT_EQ(pool.allocate(), 0);
  }
  EXPECT_EQ(changesOf(pool), "1<0 0<-1 ");
}

//===----------------------------------------------------------------------===//
// Messages of rank 0
//===----------------------------------------------------------------------===//
