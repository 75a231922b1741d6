//===- PendingFile.cpp - A file that gets its name at the end -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/PendingFile.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace sherry;

/// The error of a system call that returned `result`.
static std::error_code check(int result) {
  return result >= 0 ? std::error_code()
                     : std::error_code(errno, std::generic_category());
}

/// The folder of a path, with the slash at its end; empty: the current folder.
static std::string folderOf(const std::string &path) {
  return path.substr(0, path.rfind('/') + 1);
}

/// The target of a path after links, which need not exist; empty if it cannot
/// be resolved.
static std::string followLinks(const std::string &path) {
  std::string result = path;
  // The system follows 40 links, too.
  for (int i = 0; i < 40; ++i) {
    char target[PATH_MAX];
    const ssize_t size = readlink(result.c_str(), target, sizeof(target));
    if (size < 0) {
      // For files that have been removed, /proc gives names that are not valid.
      const bool isLost =
          access(path.c_str(), F_OK) == 0 && access(result.c_str(), F_OK) != 0;
      return isLost ? "" : result;
    }
    const std::string name(target, static_cast<size_t>(size));
    result = name[0] == '/' ? name : folderOf(result) + name;
  }
  return "";
}

PendingFile::PendingFile(const std::string &path)
    : destination(followLinks(path)) {
  // The name is short and does not extend the given one, which could become too
  // long.
  char name[32];
  std::snprintf(name, sizeof(name), ".sherry-%08x.tmp", std::random_device()());
  temporary = folderOf(destination) + name;
}

PendingFile::~PendingFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (hasTemporary)
    unlink(temporary.c_str());
}

std::error_code PendingFile::open() {
  if (destination.empty())
    return std::make_error_code(std::errc::no_such_file_or_directory);
  const std::string folder = folderOf(destination);
  descriptor = ::open(folder.empty() ? "." : folder.c_str(),
                      O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return createTemporary();
  keepPermissions();
  return {};
}

std::error_code PendingFile::createTemporary() {
  descriptor =
      ::open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  hasTemporary = descriptor >= 0;
  if (!hasTemporary)
    return check(-1);
  keepPermissions();
  return {};
}

/// Gives the new file the permissions of the one that it replaces, if possible.
void PendingFile::keepPermissions() const {
  struct stat status;
  if (stat(destination.c_str(), &status) == 0)
    static_cast<void>(fchmod(descriptor, status.st_mode & 07777));
}

std::error_code PendingFile::linkTo(const std::string &name) const {
  const std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor);
  return check(linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(),
                      AT_SYMLINK_FOLLOW));
}

/// For systems on which an unnamed file cannot get a name: without /proc, or
/// where links are forbidden.
std::error_code PendingFile::copyToTemporary() {
  const int unnamed = std::exchange(descriptor, -1);
  std::error_code error = createTemporary();
  off_t place = 0;
  for (ssize_t count = 1; !error && count > 0;) {
    count = sendfile(descriptor, unnamed, &place, 1 << 30);
    if (count < 0 && errno != EINTR)
      error = check(-1);
    else if (count < 0)
      count = 1;
  }
  ::close(unnamed);
  return error;
}

std::error_code PendingFile::close() {
  // Even if a signal interrupts it, close() closes the descriptor.
  const int result = ::close(std::exchange(descriptor, -1));
  return result < 0 && errno == EINTR ? std::error_code() : check(result);
}

std::error_code PendingFile::commit() {
  if (!hasTemporary) {
    std::error_code error = linkTo(destination);
    if (!error) {
      if ((error = close()))
        unlink(destination.c_str());
      return error;
    }
    if (error == std::errc::file_exists)
      error = linkTo(temporary);
    hasTemporary = !error;
    if (error && (error = copyToTemporary()))
      return error;
  }
  // Waits for the disk only if an old file would be lost.
  if (access(destination.c_str(), F_OK) == 0 && fsync(descriptor) != 0)
    return check(-1);
  if (std::error_code error = close())
    return error;
  if (rename(temporary.c_str(), destination.c_str()) != 0)
    return check(-1);
  hasTemporary = false;
  return {};
}
