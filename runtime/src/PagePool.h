//===- PagePool.h - The pages of a context's cache --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_PAGEPOOL_H
#define SHERRY_RUNTIME_PAGEPOOL_H

#include "sherry-abi/abi.h"
#include "sherry/support/Memory.h"

#include <vector>

namespace sherry::runtime {

/// A change of a page that other ranks make before the next call.
struct PageChange {
  int32_t page;
  int32_t source; ///< the page to copy from; -1: fill with zeros
};

/// Pages of keys and values, each of SHERRY_ABI_PAGE_POSITIONS positions, with
/// a count of the sequences that hold them. A page takes memory from its first
/// use on.
class PagePool {
public:
  /// A pool of `numPages` pages of `pageSize` bytes. Throws Error, with `what`
  /// in the message, if the address space does not suffice.
  PagePool(uint64_t pageSize, uint64_t numPages, const std::string &what);

  uint8_t *data() const { return memory.data(); }
  uint64_t pageSize() const { return bytesPerPage; }
  uint8_t *page(int32_t number) const {
    return data() + static_cast<uint64_t>(number) * bytesPerPage;
  }
  uint32_t size() const { return numPages; }
  /// The number of pages that no sequence holds.
  uint32_t available() const {
    return numPages - used + static_cast<uint32_t>(freePages.size());
  }

  /// A page of zeros with one holder. Throws Error if no page is left.
  int32_t allocate();
  /// A page with the contents of `page` and one holder. Throws Error if no page
  /// is left.
  int32_t copy(int32_t page);
  void hold(int32_t page) { ++holders[index(page)]; }
  void release(int32_t page);
  bool isShared(int32_t page) const { return holders[index(page)] > 1; }

  /// From now on, changes are kept for neededChanges().
  void recordChanges() { isRecording = true; }
  /// The changes since forgetChanges(), in their order, which give the pools of
  /// other processes the contents of all held pages: at most two for each page,
  /// unless pages are copied several times in turn.
  std::vector<PageChange> neededChanges() const;
  void forgetChanges() { changes.clear(); }
  /// Makes a change of another pool, of which this one is a copy.
  void apply(PageChange change);

private:
  static size_t index(int32_t page) { return static_cast<size_t>(page); }
  /// The same with any contents; sets `isZero` if they are zeros.
  int32_t take(bool &isZero);
  void change(PageChange next);

  uint64_t bytesPerPage;
  uint32_t numPages, used = 0; ///< pages from `used` on were never taken
  Mapping memory;
  std::vector<uint32_t> holders; ///< of the pages below `used`
  std::vector<int32_t> freePages;
  std::vector<PageChange> changes;
  bool isRecording = false;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_PAGEPOOL_H
