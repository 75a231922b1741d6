//===- InputFile.cpp - Input files ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/InputFile.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace sherry;

/// Smaller files are read, not mapped: they are many, and need few pages.
static constexpr uint64_t kLeastMappedBytes = 1 << 16;

static std::string describeShrunkFile(StringRef path) {
  return (path + ": became shorter while it was read; wait until it is "
                 "complete, then start again")
      .str();
}

//===----------------------------------------------------------------------===//
// Mapped files that shrink
//===----------------------------------------------------------------------===//

namespace {
/// A file that is or was mapped. Entries are reused, never freed, because a
/// signal handler may read them at any time.
struct Mapping {
  std::atomic<const char *> begin{nullptr}; ///< null: free
  size_t size = 0;
  struct stat status = {}; ///< when it was mapped
  std::string path;
  std::string message; ///< printed if the file becomes shorter
  Mapping *next = nullptr;
};
} // namespace

static std::atomic<Mapping *> firstMapping{nullptr};
static struct sigaction previousAction;

static void writeError(StringRef text) {
  // Nothing can be done about a failure.
  [[maybe_unused]] ssize_t written = write(2, text.data(), text.size());
}

static void onBusError(int, siginfo_t *info, void *) {
  auto *address = static_cast<const char *>(info->si_addr);
  for (Mapping *mapping = firstMapping; mapping; mapping = mapping->next) {
    const char *begin = mapping->begin;
    if (!begin || address < begin || address >= begin + mapping->size)
      continue;
    sys::RunInterruptHandlers(); // removes unfinished outputs
    writeError(program_invocation_short_name);
    writeError(": error: ");
    writeError(mapping->message);
    _exit(1);
  }
  // Not a mapped file: restore the previous action.
  sigaction(SIGBUS, &previousAction, nullptr);
}

static std::mutex mappingMutex;

static Mapping *addMapping(StringRef path, const struct stat &status,
                           const char *begin) {
  std::lock_guard<std::mutex> lock(mappingMutex);
  if (!firstMapping) {
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, &previousAction);
  }
  Mapping *mapping = firstMapping;
  while (mapping && mapping->begin)
    mapping = mapping->next;
  bool isNew = !mapping;
  if (isNew)
    mapping = new Mapping;
  mapping->size = status.st_size;
  mapping->status = status;
  mapping->path = path.str();
  mapping->message = describeShrunkFile(path) + "\n";
  mapping->begin = begin;
  if (isNew) {
    mapping->next = firstMapping;
    firstMapping = mapping;
  }
  return mapping;
}

static void removeMapping(Mapping *mapping) {
  std::lock_guard<std::mutex> lock(mappingMutex);
  const char *begin = mapping->begin.exchange(nullptr);
  munmap(const_cast<char *>(begin), mapping->size);
}

static bool isSame(const struct stat &left, const struct stat &right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino &&
         left.st_size == right.st_size &&
         left.st_mtim.tv_sec == right.st_mtim.tv_sec &&
         left.st_mtim.tv_nsec == right.st_mtim.tv_nsec;
}

Error sherry::checkUnchanged() {
  std::lock_guard<std::mutex> lock(mappingMutex);
  for (Mapping *mapping = firstMapping; mapping; mapping = mapping->next) {
    // Compare by name: a checkpoint may have more files than a process may have
    // descriptors.
    struct stat now;
    if (mapping->begin && (stat(mapping->path.c_str(), &now) != 0 ||
                           !isSame(now, mapping->status)))
      return makeError(mapping->path + ": changed while it was read; wait "
                                       "until it is complete, then start "
                                       "again");
  }
  return Error::success();
}

namespace {
class MappedBuffer : public MemoryBuffer {
public:
  MappedBuffer(StringRef path, Mapping *mapping)
      : path(path), mapping(mapping) {
    init(mapping->begin, mapping->begin + mapping->size,
         /*RequiresNullTerminator=*/false);
  }
  ~MappedBuffer() override { removeMapping(mapping); }
  StringRef getBufferIdentifier() const override { return path; }
  BufferKind getBufferKind() const override { return MemoryBuffer_MMap; }

private:
  std::string path;
  Mapping *mapping;
};
} // namespace

//===----------------------------------------------------------------------===//
// Files that were read
//===----------------------------------------------------------------------===//

static std::mutex readFilesMutex;
static std::set<sys::fs::UniqueID> readFiles;

Error sherry::checkNotRead(StringRef output) {
  sys::fs::UniqueID id;
  if (sys::fs::getUniqueID(output, id))
    return Error::success();
  std::lock_guard<std::mutex> lock(readFilesMutex);
  if (readFiles.count(id) == 0)
    return Error::success();
  return makeError("cannot write " + output +
                   ": it is an input file; choose another");
}

static Expected<std::unique_ptr<MemoryBuffer>>
readBytes(StringRef path, int descriptor, size_t size) {
  auto buffer = WritableMemoryBuffer::getNewUninitMemBuffer(size, path);
  if (!buffer)
    return makeError(path + ": there is no memory for its " + Twine(size) +
                     " bytes");
  for (size_t place = 0; place < size;) {
    ssize_t count =
        read(descriptor, buffer->getBufferStart() + place, size - place);
    if (count == 0)
      return makeError(describeShrunkFile(path));
    if (count < 0 && errno != EINTR)
      return makeError(path + ": " + errnoAsErrorCode().message());
    place += std::max<ssize_t>(count, 0);
  }
  return std::move(buffer);
}

Expected<std::unique_ptr<MemoryBuffer>> sherry::readFile(StringRef path,
                                                         uint64_t maxBytes) {
  // A pipe would block.
  int descriptor = open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return makeError(path + ": " + errnoAsErrorCode().message());
  scope_exit close([&] { ::close(descriptor); });
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return makeError(path + ": " + errnoAsErrorCode().message());
  // A pipe or a device could be endless.
  if (!S_ISREG(status.st_mode))
    return makeError(path + ": is not a regular file");
  auto size = static_cast<uint64_t>(status.st_size);
  if (size > maxBytes)
    return makeError(path + ": has " + Twine(size) + " bytes, more than the " +
                     Twine(maxBytes) + " that are possible");
  {
    std::lock_guard<std::mutex> lock(readFilesMutex);
    readFiles.insert({status.st_dev, status.st_ino});
  }
  if (size < kLeastMappedBytes)
    return readBytes(path, descriptor, size);
  void *begin = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (begin == MAP_FAILED)
    return makeError(path + ": " + errnoAsErrorCode().message());
  return std::make_unique<MappedBuffer>(
      path, addMapping(path, status, static_cast<const char *>(begin)));
}
