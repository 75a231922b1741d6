//===- Sequence.h - Tokens and the pages that remember them -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SEQUENCE_H
#define SHERRY_RUNTIME_SEQUENCE_H

#include "PagePool.h"

namespace sherry::runtime {

/// The tokens that were evaluated, and their keys and values. Pages are shared
/// with forks, and copied before what is in them changes.
class Sequence {
public:
  /// The pool outlives the sequence.
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
  /// Their numbers; the last one may be used in part.
  const std::vector<int32_t> &pages() const { return held; }

  /// The first `length` tokens, at most length(), in the same pages.
  Sequence fork(uint32_t length) const;
  /// Drops all tokens but the first `length`, at most length().
  void truncate(uint32_t length);
  /// Gets pages of its own for `count` more positions. If it throws, the
  /// sequence has the same tokens as before.
  void makeRoom(uint32_t count);
  /// After the positions were written; needs no memory that could be short.
  void append(const int32_t *tokens, size_t count) {
    ids.insert(ids.end(), tokens, tokens + count);
  }
  /// Gives back what makeRoom() got and append() did not use.
  void dropRoom() { dropPages(pagesOf(ids.size())); }

  /// How many pages have room for so many positions.
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
