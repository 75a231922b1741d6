//===- Npy.cpp - Writes a matrix as .npy ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Npy.h"

using namespace sherry::run;

/// Magic, version, length of the text, and the text, padded so that the data
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

NpyWriter::NpyWriter(const std::string &path, size_t rows, size_t columns)
    : file(path), columns(columns) {
  file.write(makeHeader(rows, columns));
}

void NpyWriter::writeRow(const float *row) {
  file.write({reinterpret_cast<const char *>(row), columns * sizeof(float)});
}
