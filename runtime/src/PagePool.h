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

/// What became of a page before the next call.
struct PageChange {
  int32_t page;
  int32_t source; ///< the page that it is a copy of; -1: it is zeros
};

/// Pages of keys and values, each of SHERRY_ABI_PAGE_POSITIONS positions, with
/// a count of the sequences that hold it. A page takes memory from its first
/// use on.
class PagePool {
public:
  /// `numPages` of `pageSize` bytes; throws Error, with `what` in the message,
  /// if addresses are short.
  PagePool(uint64_t pageSize, uint64_t numPages, const std::string &what);

  uint8_t *data() const { return memory.data(); }
  uint64_t pageSize() const { return bytesPerPage; }
  uint8_t *page(int32_t number) const {
    return data() + static_cast<uint64_t>(number) * bytesPerPage;
  }
  uint32_t size() const { return numPages; }
  /// Pages that no sequence holds.
  uint32_t available() const {
    return numPages - used + static_cast<uint32_t>(freePages.size());
  }

  /// A page of zeros that is held once; throws Error if none is left.
  int32_t allocate();
  /// A page with the contents of another, likewise.
  int32_t copy(int32_t page);
  void hold(int32_t page) { ++holders[index(page)]; }
  void release(int32_t page);
  bool isShared(int32_t page) const { return holders[index(page)] > 1; }

  /// From now on, changes are kept for neededChanges().
  void recordChanges() { isRecording = true; }
  /// The changes since forgetChanges(), in their order, that give pools of
  /// other processes the contents of the pages that are held: at most two for
  /// each, unless pages are copied several times in turn.
  std::vector<PageChange> neededChanges() const;
  void forgetChanges() { changes.clear(); }
  /// Makes a change of another pool, whose pages this one has.
  void apply(PageChange change);

private:
  static size_t index(int32_t page) { return static_cast<size_t>(page); }
  /// The same with any contents; says in `isZero` whether they are zeros.
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
