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

/// One block of the 32 rows of a tile.
class WeightBlock {
public:
  int64_t inputs;     ///< at most the format's blockInputs
  mlir::Value number; ///< of the block, among those of a row
  mlir::Value column; ///< its first input

  int64_t groups() const { return inputs / format::kDotInputs; }

  /// The stored integers of a group of four inputs and `rows` rows of the tile
  /// from `row` on: vector<4 rows x i8>, unsigned.
  mlir::Value integers(LoopBuilder &b, int64_t group, mlir::Value row,
                       int64_t rows) const;
  /// The same for any group, where each has a plane of its own (8 bits).
  mlir::Value integersOf8Bits(LoopBuilder &b, mlir::Value group,
                              mlir::Value row, int64_t rows) const;
  /// Calls `body` for the parts of the block that are written out in code, each
  /// with its first group in the block; a loop if there are many.
  llvm::SmallVector<mlir::Value>
  forParts(LoopBuilder &b, mlir::ValueRange init,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(
               const WeightBlock &, mlir::Value firstGroup, mlir::ValueRange)>
               body) const;
  /// The scales of such rows: vector<rows x f32>.
  mlir::Value scales(LoopBuilder &b, mlir::Value row, int64_t rows) const;

private:
  friend class BlockPlaces;
  static constexpr int64_t kPartInputs = 64;
  const format::QuantFormat *format;
  // Bytes in the weights; with upper planes only, these.
  mlir::Value upperAt, lowAt, factorsAt, scalesAt;
};

/// Calls `body` for each block of the tile at byte `offset`, a matrix of `cols`
/// columns; a loop where blocks are alike.
llvm::SmallVector<mlir::Value> forWeightBlocks(
    LoopBuilder &b, const format::QuantFormat &format, mlir::Value offset,
    int64_t cols, mlir::ValueRange init,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const WeightBlock &,
                                                      mlir::ValueRange)>
        body);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_WEIGHTBLOCKS_H
