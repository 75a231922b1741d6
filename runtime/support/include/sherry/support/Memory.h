//===- Memory.h - Owners of files and mapped memory -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thin owners of resources of the operating system.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_MEMORY_H
#define SHERRY_RUNTIME_SUPPORT_MEMORY_H

#include "sherry/support/Parallel.h"

#include <cstdint>
#include <string>
#include <utility>

namespace sherry::runtime {

class File {
public:
  /// Opens a regular file for reading; throws Error with its name.
  explicit File(const std::string &path);
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File();

  const std::string &path() const { return filePath; }
  int descriptor() const { return fd; }
  uint64_t size() const { return fileSize; }

  /// Reads exactly `size` bytes at `offset`; the caller has checked the range.
  /// Throws Error.
  void read(uint64_t offset, void *data, uint64_t size) const;

private:
  std::string filePath;
  int fd;
  uint64_t fileSize = 0;
};

/// Whether processors of this machine have memories of their own (NUMA).
bool hasSeveralMemoryNodes();

/// Mapped pages; aligned to pages, and thus to SHERRY_ABI_BUFFER_ALIGNMENT.
class Mapping {
public:
  Mapping() = default;
  Mapping(Mapping &&other) noexcept
      : start(std::exchange(other.start, nullptr)),
        length(std::exchange(other.length, 0)) {}
  Mapping &operator=(Mapping &&other) noexcept {
    std::swap(start, other.start);
    std::swap(length, other.length);
    return *this;
  }
  ~Mapping();

  /// `size` bytes of zeroed memory, whose pages take no memory until they are
  /// written. `what` is the use of the memory, for error messages. Size 0 gives
  /// no memory. Throws Error, as all functions of this class that make
  /// mappings.
  static Mapping anonymous(uint64_t size, const std::string &what);

  /// The same, aligned and rounded up to huge pages of 2 MiB, and in huge pages
  /// if the system grants them.
  static Mapping hugePages(uint64_t size, const std::string &what);

  /// A copy of the bytes [offset, offset + size) of a file in huge pages, which
  /// are read faster than the pages of a file. All threads take part in
  /// copying; the system puts a page into the memory of the processor whose
  /// thread writes it. `owner`, if given, says which of n threads writes the
  /// page with byte i; by default pages are written in turns.
  static Mapping copyOfFile(const File &file, uint64_t offset, uint64_t size,
                            const OwnerFn &owner = nullptr);

  /// The bytes [offset, offset + size) of a file, read-only and shared; asks
  /// the system for huge pages and read-ahead. The range must lie within the
  /// file, and the offset must be a multiple of the page size.
  static Mapping ofFile(const File &file, uint64_t offset, uint64_t size);

  uint8_t *data() const { return static_cast<uint8_t *>(start); }
  uint64_t size() const { return length; }

private:
  void *start = nullptr;
  uint64_t length = 0;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_MEMORY_H
