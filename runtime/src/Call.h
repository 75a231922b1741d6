//===- Call.h - One call of a model's code ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_CALL_H
#define SHERRY_RUNTIME_CALL_H

#include "Model.h"
#include "Team.h"
#include "sherry/support/Memory.h"

#include <vector>

namespace sherry::runtime {

/// Rows of floats that the code of a model writes.
class RowsOfFloats {
public:
  /// Makes room for `rows` rows of `stride` numbers.
  void reserve(uint64_t rows, uint64_t stride, const char *what);
  float *row(uint64_t i) const {
    return reinterpret_cast<float *>(memory.data()) + i * stride;
  }

private:
  Mapping memory;
  uint64_t stride = 0;
};

/// The tokens of a call, in this order: those without outputs, those whose
/// hidden states are wanted, those whose logits are wanted. `sequences` are
/// rows of the page table.
struct Call {
  std::vector<int32_t> tokens, positions, sequences;
  int64_t numLogits = 0;
  int64_t numHidden = 0; ///< includes numLogits
};

/// The page table of a call: for each sequence, a row of `stride` page numbers.
struct PageTable {
  const int32_t *entries;
  int64_t stride;
};

/// The memory of a model's code besides the cache: the workspace, and rows for
/// outputs.
class Workspace {
public:
  /// For teams of at most `numThreads` threads, a number up to
  /// SHERRY_ABI_MAX_THREADS.
  Workspace(const Model &model, uint32_t numThreads);

  /// Makes room for the outputs of calls.
  void reserve(const Model &model, uint64_t logits, uint64_t hidden);
  float *logits(uint64_t row) const { return logitsRows.row(row); }
  float *hidden(uint64_t row) const { return hiddenRows.row(row); }

  /// Runs the call on a team of `numThreads` threads. Models that are cut among
  /// ranks need an `exchange`. Throws Error if the exchange does.
  void run(const Model &model, const Call &call, PageTable table,
           uint8_t *pages, uint32_t numThreads, Profile *profile,
           Exchange *exchange) const;

private:
  Mapping memory;
  RowsOfFloats logitsRows, hiddenRows;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CALL_H
