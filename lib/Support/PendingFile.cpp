//===- PendingFile.cpp - A file that gets its name at the end -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/PendingFile.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <sys/sendfile.h>
#include <unistd.h>
#include <utility>

using namespace sherry;

/// What a call that returned `result` has to say.
static std::error_code check(int result) {
  return result >= 0 ? std::error_code()
                     : std::error_code(errno, std::generic_category());
}

PendingFile::PendingFile(std::string path) : destination(std::move(path)) {
  char suffix[16];
  std::snprintf(suffix, sizeof(suffix), ".%08x.tmp", std::random_device()());
  temporary = destination + suffix;
}

PendingFile::~PendingFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (hasTemporary)
    unlink(temporary.c_str());
}

std::error_code PendingFile::open() {
  const size_t slash = destination.rfind('/');
  // The slash stays: the folder may be the root.
  const std::string folder =
      slash == std::string::npos ? "." : destination.substr(0, slash + 1);
  descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  return descriptor >= 0 ? std::error_code() : createTemporary();
}

std::error_code PendingFile::createTemporary() {
  descriptor =
      ::open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  hasTemporary = descriptor >= 0;
  return check(descriptor);
}

std::error_code PendingFile::linkTo(const std::string &name) const {
  const std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor);
  return check(linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(),
                      AT_SYMLINK_FOLLOW));
}

/// For systems that give no name to a file that has none: there is no /proc, or
/// links are forbidden.
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
  return check(::close(std::exchange(descriptor, -1)));
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
  // Only what is lost for it is worth the wait.
  if (access(destination.c_str(), F_OK) == 0 && fsync(descriptor) != 0)
    return check(-1);
  if (std::error_code error = close())
    return error;
  if (rename(temporary.c_str(), destination.c_str()) != 0)
    return check(-1);
  hasTemporary = false;
  return {};
}
