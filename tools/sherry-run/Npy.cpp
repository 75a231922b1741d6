//===- Npy.cpp - Writes a matrix as .npy ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Npy.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

using namespace sherry::run;

/// Magic, version, length of the text and the text, padded such that the data
/// begins at a multiple of 64.
static std::string makeHeader(size_t rows, size_t columns) {
  std::string header = "\x93NUMPY\x01";
  header += '\0';
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                     std::to_string(rows) + ", " + std::to_string(columns) +
                     "), }";
  const size_t prefix = header.size() + 2;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

void NpyWriter::fail() const {
  throw std::runtime_error(path + ": cannot write: " + std::strerror(errno));
}

NpyWriter::NpyWriter(const std::string &target, size_t rows, size_t columns)
    : path(target), columns(columns) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) &&
      !std::filesystem::is_regular_file(status)) {
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    // A link stays, what it points to is replaced.
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
  std::string header = makeHeader(rows, columns);
  write(header.data(), header.size());
}

NpyWriter::~NpyWriter() {
  if (fd >= 0)
    close(fd);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void NpyWriter::write(const void *data, size_t size) {
  auto *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t count = ::write(fd, bytes, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail();
    bytes += count;
    size -= static_cast<size_t>(count);
  }
}

void NpyWriter::writeRow(const float *row) {
  write(row, columns * sizeof(float));
}

void NpyWriter::commit() {
  int result = close(fd);
  fd = -1;
  if (result != 0 ||
      (!temporary.empty() && rename(temporary.c_str(), path.c_str()) != 0))
    fail();
  temporary.clear();
}
