//===- Npy.h - Writes a matrix as .npy --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's file format, version 1.0.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_NPY_H
#define SHERRY_TOOLS_RUN_NPY_H

#include <cstddef>
#include <string>

namespace sherry::run {

/// Writes f32 rows to a temporary name beside `path`; only commit() gives the
/// file its name, and without it nothing stays. What is no regular file, such
/// as a device, is written in place.
class NpyWriter {
public:
  /// Throws std::runtime_error naming the file, as do the functions below.
  NpyWriter(const std::string &path, size_t rows, size_t columns);
  NpyWriter(const NpyWriter &) = delete;
  NpyWriter &operator=(const NpyWriter &) = delete;
  ~NpyWriter();

  void writeRow(const float *row);
  /// All rows have been written.
  void commit();

private:
  void write(const void *data, size_t size);
  [[noreturn]] void fail() const;

  std::string path;
  std::string temporary; ///< empty: written in place, or committed
  int fd = -1;
  size_t columns;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_NPY_H
