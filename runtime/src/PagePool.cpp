//===- PagePool.cpp - The pages of a context's cache ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PagePool.h"
#include "sherry/support/Error.h"

#include <algorithm>
#include <cstring>

using namespace sherry::runtime;

PagePool::PagePool(uint64_t pageSize, uint64_t pages, const std::string &what)
    : bytesPerPage(pageSize), numPages(static_cast<uint32_t>(pages)) {
  if (pages > INT32_MAX)
    throw Error(what + " has " + std::to_string(pages) + " pages, at most " +
                std::to_string(INT32_MAX) + " are possible");
  memory =
      Mapping::hugePages(checkedMultiply(pages, pageSize, "the cache"), what);
}

int32_t PagePool::take(bool &isZero) {
  // Makes room for the entry of change().
  if (isRecording && changes.size() == changes.capacity()) {
    changes = neededChanges();
    changes.reserve(2 * changes.size() + 16);
  }
  isZero = freePages.empty();
  int32_t page;
  if (!isZero) {
    page = freePages.back();
    freePages.pop_back();
  } else {
    if (used == numPages)
      throw Error("the cache is full: sequences hold all of its " +
                  std::to_string(numPages) + " pages of " +
                  std::to_string(SHERRY_ABI_PAGE_POSITIONS) +
                  " positions; drop sequences, or make a context with more");
    // Room for all pages, so that release() needs no memory.
    freePages.reserve(used + 1);
    holders.push_back(0);
    page = static_cast<int32_t>(used++);
  }
  holders[index(page)] = 1;
  return page;
}

int32_t PagePool::allocate() {
  bool isZero;
  const int32_t result = take(isZero);
  // A new page must not show the contents of another sequence.
  if (!isZero)
    change({result, -1});
  return result;
}

int32_t PagePool::copy(int32_t original) {
  bool isZero;
  const int32_t result = take(isZero);
  change({result, original});
  return result;
}

void PagePool::apply(PageChange change) {
  if (change.source < 0)
    std::memset(page(change.page), 0, bytesPerPage);
  else
    std::memmove(page(change.page), page(change.source), bytesPerPage);
}

void PagePool::change(PageChange next) {
  if (isRecording)
    changes.push_back(next);
  apply(next);
}

void PagePool::release(int32_t page) {
  if (--holders[index(page)] == 0)
    freePages.push_back(page);
}

std::vector<PageChange> PagePool::neededChanges() const {
  if (changes.empty()) // as for most tokens
    return {};
  // Goes backwards from the last change and marks the pages whose contents are
  // still needed.
  std::vector<bool> isNeeded(holders.size());
  for (size_t i = 0; i < holders.size(); ++i)
    isNeeded[i] = holders[i] > 0;
  std::vector<PageChange> result;
  for (auto it = changes.rbegin(); it != changes.rend(); ++it) {
    if (!isNeeded[index(it->page)])
      continue;
    isNeeded[index(it->page)] = false;
    if (it->source >= 0)
      isNeeded[index(it->source)] = true;
    result.push_back(*it);
  }
  std::reverse(result.begin(), result.end());
  return result;
}
