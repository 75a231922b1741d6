//===- Memory.h - Limits the memory that a template takes -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_MEMORY_H
#define SHERRY_TEXT_JINJA_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sherry::jinja {

/// A part of what takes memory: while it lives, its bytes count. To make or to
/// grow one throws Error beyond the limit of this thread; to move it does not.
class Footprint {
public:
  /// What a small value takes, with what the allocator adds.
  static constexpr size_t overhead = 96;

  explicit Footprint(size_t more = 0) { grow(overhead + more); }
  Footprint(const Footprint &other) { grow(other.bytes); }
  Footprint(Footprint &&other) noexcept;
  Footprint &operator=(Footprint other) noexcept {
    std::swap(bytes, other.bytes);
    return *this;
  }
  ~Footprint();
  void grow(size_t more);

private:
  size_t bytes = 0;
};

/// While it lives, what this thread takes from now on may have so many bytes.
class MemoryLimit {
public:
  explicit MemoryLimit(size_t bytes);
  MemoryLimit(const MemoryLimit &) = delete;
  MemoryLimit &operator=(const MemoryLimit &) = delete;
  ~MemoryLimit();

private:
  int64_t oldLimit;
  size_t oldBytes;
};

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_MEMORY_H
