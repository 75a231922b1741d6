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

/// Writes a matrix of f32, row by row, to an OutputFile.
class NpyWriter {
public:
  /// This and the following functions throw std::runtime_error, which names the
  /// file.
  NpyWriter(const std::string &path, size_t rows, size_t columns);

  void writeRow(const float *row);
  /// Completes the file; to be called after the last row.
  void commit() { file.commit(); }

private:
  OutputFile file;
  size_t columns;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_NPY_H
