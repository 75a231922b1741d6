//===- WeightBlocks.h - Reads plain weights block by block ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocks of format::QuantFormat, for the linear kernels (16 rows at a time)
// and the embedding (one row).
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_WEIGHTBLOCKS_H
#define LIB_CONVERSION_SHERRYTOLOOPS_WEIGHTBLOCKS_H

#include "LoopBuilder.h"

namespace sherry {

/// One block of the 32 outputs of a tile.
class WeightBlock {
public:
  int64_t inputs;     ///< at most the format's blockInputs
  mlir::Value number; ///< index of the block in a row
  mlir::Value column; ///< its first input

  int64_t groups() const { return inputs / format::kDotInputs; }

  /// The stored integers of four inputs and of `rows` rows of the tile from
  /// `row` on: vector<4 rows x i8>, unsigned.
  mlir::Value integers(LoopBuilder &b, int64_t group, mlir::Value row,
                       int64_t rows) const;
  /// The same for variable inputs; only for 8 bits, where each four has its own
  /// plane.
  mlir::Value integersOf8Bits(LoopBuilder &b, mlir::Value group,
                              mlir::Value row, int64_t rows) const;
  /// The scales of `rows` rows from `row` on: vector<rows x f32>.
  mlir::Value scales(LoopBuilder &b, mlir::Value row, int64_t rows) const;

private:
  friend class BlockPlaces;
  const format::QuantFormat *format;
  // Offsets in the weights; upperAt and factorsAt mean something only for
  // formats with upper planes and with factors.
  mlir::Value upperAt, lowAt, factorsAt, scalesAt;
};

/// Calls `body` for each block of the tile at byte `offset` of a matrix of
/// `cols` columns; emits a loop for equal blocks.
llvm::SmallVector<mlir::Value> forWeightBlocks(
    LoopBuilder &b, const format::QuantFormat &format, mlir::Value offset,
    int64_t cols, mlir::ValueRange init,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const WeightBlock &,
                                                      mlir::ValueRange)>
        body);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_WEIGHTBLOCKS_H
