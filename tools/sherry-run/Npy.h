//===- Npy.h - Writes a matrix as .npy --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's file format, version 1.0.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_NPY_H
#define SHERRY_TOOLS_RUN_NPY_H

#include "sherry/support/Files.h"

namespace sherry::run {

/// Writes f32 rows, as an OutputFile does.
class NpyWriter {
public:
  /// Throws std::runtime_error naming the file, as do the functions below.
  NpyWriter(const std::string &path, size_t rows, size_t columns);

  void writeRow(const float *row);
  /// All rows have been written.
  void commit() { file.commit(); }

private:
  OutputFile file;
  size_t columns;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_NPY_H
