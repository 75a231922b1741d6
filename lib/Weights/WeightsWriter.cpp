//===- WeightsWriter.cpp - Stream packed weights --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightsWriter.h"
#include "sherry/Weights/WeightPacker.h"

#include "llvm/Support/Parallel.h"

#include <mutex>

using namespace sherry;
using llvm::Error;

/// Packs rows of a matrix in parallel and writes them in order.
static Error writeMatrix(const PlacedMatrix &placed, const WeightSource &source,
                         llvm::raw_ostream &out,
                         llvm::function_ref<void(uint64_t)> progress,
                         uint64_t &written) {
  const WeightMatrix &matrix = placed.matrix;
  WeightPacker packer(matrix, placed.type, source);
  if (Error error = packer.prepare())
    return error;
  constexpr int64_t kBatch = 16;
  int64_t unit = packer.getRowsAtOnce(), rows = matrix.getRows();
  int64_t unitBytes = packer.getBytes(std::min(unit, rows));
  std::vector<uint8_t> buffer(kBatch * unitBytes);
  for (int64_t row = 0; row < rows; row += kBatch * unit) {
    int64_t last = std::min(rows, row + kBatch * unit);
    std::mutex mutex;
    Error error = Error::success();
    llvm::parallelFor(0, format::ceilDiv(last - row, unit), [&](size_t i) {
      Error mine = packer.pack(row + i * unit, buffer.data() + i * unitBytes);
      if (mine) {
        std::lock_guard<std::mutex> lock(mutex);
        error = llvm::joinErrors(std::move(error), std::move(mine));
      }
    });
    if (error)
      return error;
    // All units except the last of the matrix are whole.
    int64_t whole = (last - row) / unit;
    int64_t bytes = whole * unitBytes;
    if (int64_t rest = (last - row) % unit)
      bytes += packer.getBytes(rest);
    out.write(reinterpret_cast<const char *>(buffer.data()), bytes);
    written += bytes;
    progress(written);
  }
  return Error::success();
}

Error sherry::writeWeights(llvm::ArrayRef<PlacedMatrix> matrices, uint64_t size,
                           const WeightSource &source, llvm::raw_ostream &out,
                           llvm::function_ref<void(uint64_t)> progress) {
  uint64_t written = 0;
  for (const PlacedMatrix &placed : matrices) {
    assert(placed.offset >= written && "weights are placed in order");
    out.write_zeros(placed.offset - written);
    written = placed.offset;
    if (Error error = writeMatrix(placed, source, out, progress, written))
      return error;
  }
  out.write_zeros(size - written);
  return Error::success();
}
