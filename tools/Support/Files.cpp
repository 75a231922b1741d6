//===- Files.cpp - Files of the tools that run models ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

using namespace sherry;

void sherry::failToRead(const std::string &path) {
  throw std::runtime_error(path + ": cannot read: " + std::strerror(errno));
}

InputFile sherry::openInput(const std::string &path) {
  if (path == "-")
    return {stdin, [](FILE *) { return 0; }};
  FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    failToRead(path);
  return {file, &std::fclose};
}

std::string sherry::readText(const std::string &path) {
  InputFile file = openInput(path);
  std::string text;
  char buffer[1 << 16];
  while (size_t count = std::fread(buffer, 1, sizeof(buffer), file.get()))
    text.append(buffer, count);
  if (std::ferror(file.get()))
    failToRead(path);
  return text;
}

void OutputFile::fail() const {
  throw std::runtime_error(path + ": cannot write: " + std::strerror(errno));
}

OutputFile::OutputFile(const std::string &target) : path(target) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) &&
      !std::filesystem::is_regular_file(status)) {
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    auto real = std::filesystem::weakly_canonical(path, error);
    path = error ? path : real.string();
    temporary = path + ".XXXXXX";
    fd = mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) {
      temporary.clear();
      fail();
    }
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
  }
  if (fd < 0)
    fail();
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    close(fd);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail();
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void OutputFile::commit() {
  int result = close(fd);
  fd = -1;
  if (result != 0 ||
      (!temporary.empty() && rename(temporary.c_str(), path.c_str()) != 0))
    fail();
  temporary.clear();
}
