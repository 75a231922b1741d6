//===- Sequence.cpp - Tokens and the pages that remember them -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sequence.h"

#include <algorithm>

using namespace sherry::runtime;

/// Releases all pages except the first `count`.
void Sequence::dropPages(size_t count) {
  for (; held.size() > count; held.pop_back())
    pool->release(held.back());
}

Sequence Sequence::fork(uint32_t length) const {
  Sequence result(*pool);
  result.ids.assign(ids.begin(), ids.begin() + length);
  result.held.assign(held.begin(),
                     held.begin() + static_cast<int64_t>(pagesOf(length)));
  for (int32_t page : result.held)
    pool->hold(page);
  return result;
}

void Sequence::truncate(uint32_t length) {
  ids.resize(length);
  dropRoom();
}

void Sequence::makeRoom(uint32_t count) {
  const size_t end = ids.size() + count;
  // Doubles the capacity, so that appending token by token is cheap.
  if (ids.capacity() < end)
    ids.reserve(std::max<size_t>(end, 2 * ids.capacity()));
  held.reserve(pagesOf(ids.capacity()));
  if (count > 0 && ids.size() % SHERRY_ABI_PAGE_POSITIONS != 0 &&
      pool->isShared(held.back())) {
    const int32_t copy = pool->copy(held.back());
    pool->release(held.back());
    held.back() = copy;
  }
  while (held.size() < pagesOf(end))
    held.push_back(pool->allocate());
}
