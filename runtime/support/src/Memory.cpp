//===- Memory.cpp - Owners of files and mapped memory ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Memory.h"
#include "sherry/support/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace sherry::runtime;

static constexpr uint64_t hugePage = 1 << 21;

static std::string systemError() { return std::strerror(errno); }

File::File(const std::string &path)
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    : filePath(path),
      fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (fd < 0)
    throw Error(path + ": cannot open: " + systemError());
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    throw Error(path + ": is not a file, but a folder or a device");
  }
  fileSize = static_cast<uint64_t>(status.st_size);
}

File::~File() { close(fd); }

void File::read(uint64_t offset, void *data, uint64_t size) const {
  auto *bytes = static_cast<char *>(data);
  while (size > 0) {
    ssize_t count = pread(fd, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throw Error(filePath + ": cannot read " + std::to_string(size) +
                  " bytes at offset " + std::to_string(offset) + ": " +
                  (count < 0 ? systemError() : "the file became shorter"));
    bytes += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
}

bool sherry::runtime::hasSeveralMemoryNodes() {
  // A list of ranges, such as "0" or "0-1,3".
  std::ifstream file("/sys/devices/system/node/online");
  std::string nodes;
  return std::getline(file, nodes) &&
         nodes.find_first_of(",-") != std::string::npos;
}

Mapping::~Mapping() {
  if (start)
    munmap(start, length);
}

Mapping Mapping::anonymous(uint64_t size, const std::string &what) {
  Mapping result;
  if (size == 0)
    return result;
  void *start = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED)
    throw Error("cannot get " + std::to_string(size) + " bytes of memory for " +
                what + ": " + systemError());
  result.start = start;
  result.length = size;
  return result;
}

Mapping Mapping::hugePages(uint64_t size, const std::string &what) {
  // Larger sizes than the address space are refused, so sums below cannot
  // overflow.
  if (size == 0 || size >= uint64_t{1} << 48)
    return anonymous(size, what);
  const uint64_t length = (size + hugePage - 1) / hugePage * hugePage;
  Mapping result = anonymous(length + hugePage, what);
  // Keep the part that begins at a huge page.
  auto *begin = result.data();
  const auto address = reinterpret_cast<uintptr_t>(begin);
  const uint64_t skip = (hugePage - address % hugePage) % hugePage;
  if (skip > 0)
    munmap(begin, skip);
  munmap(begin + skip + length, hugePage - skip);
  result.start = begin + skip;
  result.length = length;
  // The kernel may refuse; pages are small then.
  madvise(result.start, length, MADV_HUGEPAGE);
  return result;
}

Mapping Mapping::copyOfFile(const File &file, uint64_t offset, uint64_t size,
                            const OwnerFn &owner) {
  Mapping result =
      hugePages(size, "a copy of the weights (mapping the file needs less)");
  OwnerFn ownerOfPage;
  if (owner)
    ownerOfPage = [&](uint64_t page, uint64_t threads) {
      return owner(page * hugePage + hugePage / 2, threads);
    };
  parallelFor((size + hugePage - 1) / hugePage,
              [&](uint64_t page) {
                const uint64_t at = page * hugePage;
                file.read(offset + at, result.data() + at,
                          std::min(hugePage, size - at));
              },
              ownerOfPage);
  mprotect(result.start, result.length, PROT_READ);
  return result;
}

Mapping Mapping::ofFile(const File &file, uint64_t offset, uint64_t size) {
  void *start = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(),
                     static_cast<off_t>(offset));
  if (start == MAP_FAILED)
    throw Error(file.path() + ": cannot map " + std::to_string(size) +
                " bytes at offset " + std::to_string(offset) + ": " +
                systemError());
  // Both are hints, which not every kernel and file system follows.
  madvise(start, size, MADV_HUGEPAGE);
  madvise(start, size, MADV_WILLNEED);
  Mapping result;
  result.start = start;
  result.length = size;
  return result;
}
