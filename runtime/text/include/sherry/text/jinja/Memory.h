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

/// A member of objects that take memory: it counts their bytes while it lives.
/// Making, copying and growing one throw Error beyond the limit of this thread;
/// moving does not.
class Footprint {
public:
  /// Bytes of a small value, with the overhead of the allocator.
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

/// While it lives, the values that this thread makes may take at most `bytes`
/// bytes.
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
