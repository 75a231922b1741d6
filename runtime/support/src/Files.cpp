//===- Files.cpp - Files of the tools that run models ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>
#include <utility>

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

void OutputFile::fail(int number) const {
  throw std::runtime_error(path + ": cannot write: " + std::strerror(number));
}

OutputFile::OutputFile(const std::string &target) : path(target) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) &&
      !std::filesystem::is_regular_file(status)) {
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
      fail(errno);
    return;
  }
  pending.emplace(path);
  if ((error = pending->open()))
    fail(error.value());
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    close(fd);
}

void OutputFile::write(std::string_view bytes) {
  const int target = pending ? pending->getDescriptor() : fd;
  while (!bytes.empty()) {
    ssize_t count = ::write(target, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail(errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void OutputFile::commit() {
  if (pending) {
    if (std::error_code error = pending->commit())
      fail(error.value());
  } else if (close(std::exchange(fd, -1)) != 0) {
    fail(errno);
  }
}
