//===- Sequence.h - Tokens and the pages that remember them -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SEQUENCE_H
#define SHERRY_RUNTIME_SEQUENCE_H

#include "PagePool.h"

namespace sherry::runtime {

/// The evaluated tokens of a sequence, with their keys and values. Pages are
/// shared with forks, and copied before their contents change.
class Sequence {
public:
  /// The pool must outlive the sequence.
  explicit Sequence(PagePool &pool) : pool(&pool) {}
  Sequence(Sequence &&other) noexcept
      : pool(other.pool), ids(std::move(other.ids)),
        held(std::move(other.held)) {
    other.held.clear();
  }
  Sequence &operator=(Sequence &&) = delete;
  ~Sequence() { dropPages(0); }

  uint32_t length() const { return static_cast<uint32_t>(ids.size()); }
  const std::vector<int32_t> &tokens() const { return ids; }
  /// The numbers of the pages; the last page may be used in part.
  const std::vector<int32_t> &pages() const { return held; }

  /// The first `length` tokens, at most length(), in the same pages.
  Sequence fork(uint32_t length) const;
  /// Drops all tokens but the first `length`, at most length().
  void truncate(uint32_t length);
  /// Gets unshared pages for `count` more positions. If it throws, the sequence
  /// has the same tokens as before.
  void makeRoom(uint32_t count);
  /// Appends tokens whose positions have been written. Allocates no memory, so
  /// it cannot fail.
  void append(const int32_t *tokens, size_t count) {
    ids.insert(ids.end(), tokens, tokens + count);
  }
  /// Releases the pages of makeRoom() that append() did not use.
  void dropRoom() { dropPages(pagesOf(ids.size())); }

  /// The number of pages that `positions` positions need.
  static size_t pagesOf(size_t positions) {
    constexpr size_t unit = SHERRY_ABI_PAGE_POSITIONS;
    return (positions + unit - 1) / unit;
  }

private:
  void dropPages(size_t count);

  PagePool *pool;
  std::vector<int32_t> ids, held;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SEQUENCE_H
