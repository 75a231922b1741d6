//===- WeightPacker.h - Packs the rows of a weight --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTPACKER_H
#define SHERRY_WEIGHTS_WEIGHTPACKER_H

#include "sherry/Weights/RowProjector.h"
#include "sherry/Weights/WeightMatrix.h"
#include "sherry/Weights/WeightType.h"

namespace sherry {

/// Packs a matrix into the bytes of its type, some rows at a time. Vectors are
/// always f32.
class WeightPacker {
public:
  /// Keeps references to all arguments except `type`.
  WeightPacker(const WeightMatrix &matrix, const WeightType &type,
               const WeightSource &source);

  /// Rows that pack() takes at a time: a tile, or a super-tile.
  int64_t getRowsAtOnce() const { return rowsAtOnce; }
  /// Bytes of `rows` rows, at most getRowsAtOnce().
  int64_t getBytes(int64_t rows) const;

  /// Reads the whole matrix if it shares one scale. Call it before pack().
  llvm::Error prepare();

  /// Packs the rows from `row` on, a multiple of getRowsAtOnce(). Several
  /// threads may call it. Trits and blocks are copied without rounding if the
  /// form of the source fits.
  llvm::Error pack(int64_t row, uint8_t *out) const;

private:
  llvm::Error packTernary(int64_t row, int64_t rows, uint8_t *out) const;
  llvm::Error copyTrits(const WeightSlice &slice, int64_t first, int64_t rows,
                        uint8_t *codes, float *scales) const;
  llvm::Error packDense(int64_t row, int64_t rows, uint8_t *out) const;
  llvm::Error packStoredBlocks(int64_t row, int64_t rows, uint8_t *out) const;
  bool hasStoredBlocks() const;
  llvm::Error explain(const format::Failure &failure) const;

  const WeightMatrix &matrix;
  WeightType type;
  const WeightSource &source;
  int64_t rowsAtOnce = format::kTileRows;
  std::optional<RowProjector> projector; ///< of ternary weights
};

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTPACKER_H
