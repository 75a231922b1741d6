//===- Quantize.h - Quantized activations in memory ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_QUANTIZE_H
#define LIB_CONVERSION_SHERRYTOLOOPS_QUANTIZE_H

#include "LoopBuilder.h"

namespace sherry {

struct QuantizedRows {
  /// Sums that start with kFloatBits read as kFloatOffset + n, and n * scale =
  /// (kFloatOffset + n) * scale - kFloatOffset * scale is one fused operation,
  /// rounded once too: the second product is exact, because scales have 22
  /// binary digits.
  static constexpr double kFloatOffset = 3 << 22;

  /// What `tensor` was converted to.
  QuantizedRows(mlir::ValueRange values, mlir::Value tensor);
  /// New buffers for `count` rows.
  static QuantizedRows alloc(LoopBuilder &b, mlir::RankedTensorType tensor,
                             mlir::Value count);
  /// The types of getValues().
  static llvm::SmallVector<mlir::Type> getTypes(const LoopsConfig &config,
                                                int64_t maxTokens,
                                                mlir::RankedTensorType tensor);
  llvm::SmallVector<mlir::Value> getValues() const;

  /// Number of blocks.
  int64_t blocks() const {
    return static_cast<int64_t>(encoding.getBlocks().size());
  }
  /// Tables of a token, where the encoding has some.
  int64_t tablesOfToken(const LoopBuilder &b) const;
  /// The values, if there are no tables, in their order in memory:
  /// memref<blocks of tokens x groups x tokens x 4 x i8>, where a block has
  /// kTokenBlock tokens, or the only one. So a product of a block of tokens
  /// reads one ascending stream. With `multiply_panels` blocks have one token:
  /// a row is one in memory, and products with panels may read kPanelTokens
  /// rows, and a row's next groups.
  mlir::Value inBlocks(LoopBuilder &b) const;
  /// Where a group of four inputs of a row lies in it.
  static llvm::SmallVector<mlir::Value> placeOf(LoopBuilder &b, mlir::Value row,
                                                mlir::Value group);

  QuantizedAttr encoding;
  Rows values;
  /// The blocks' scales: memref<blocks x getBufferRows() x f32>, so that a
  /// kernel that works on a block of all rows reads them from few lines. With
  /// `fuse_mul_add`, as many entries follow that hold -kFloatOffset * scale.
  mlir::Value scales;
  /// In the same order, minus the sums of the blocks' values; with
  /// `fuse_mul_add`, plus kFloatBits.
  mlir::Value negatedSums;
  /// The tables of the encoding, token by token: of each group
  /// memref<groups x 32 x i16> for words, memref<groups x 2 x 16 x i8> (low
  /// bytes, high bytes) for nibbles.
  mlir::Value tables;

private:
  QuantizedRows() = default;
};

/// Groups of a block that have a table.
int64_t groupsOf(QuantizedAttr encoding, int64_t inputs);
/// Tables of such a group.
int64_t groupTables(QuantizedAttr encoding);

/// Stores the bytes of whole groups of a row, from the group of `column` on.
void storeGroups(LoopBuilder &b, mlir::Value bytes, const QuantizedRows &result,
                 mlir::Value row, mlir::Value column);
/// Their inverse, of `count` bytes.
mlir::Value loadGroups(LoopBuilder &b, const QuantizedRows &rows,
                       mlir::Value row, mlir::Value column, int64_t count);
/// Stores the scale of a block of a row, and what belongs to the sums of its
/// values, by lane.
void storeScaleAndSum(LoopBuilder &b, const QuantizedRows &result,
                      mlir::Value row, mlir::Value block, mlir::Value scale,
                      mlir::Value sums);

/// Fills a block of a row, which has so many inputs from a column on.
using BlockBody = llvm::function_ref<void(mlir::Value row, mlir::Value column,
                                          mlir::Value block, int64_t inputs)>;

/// Fills the first blocks of round `number` of a row, and builds their tables;
/// `round` has the sizes of the blocks of each round, `blocks` of those.
void emitBlocks(LoopBuilder &b, const QuantizedRows &result, mlir::Value row,
                mlir::Value number, llvm::ArrayRef<int64_t> round,
                llvm::ArrayRef<int64_t> blocks, BlockBody body);

/// Fills all blocks of all rows, in one parallel loop. `beginRow`, if there is
/// one, is called where a row begins; then rows are not divided unless there is
/// one only, whose beginning is outside the loop.
void forBlocks(LoopBuilder &b, const QuantizedRows &result, BlockBody body,
               llvm::function_ref<void(mlir::Value)> beginRow = nullptr);

/// Where the numbers of a block are: rows and the first column. The block has
/// so many inputs, and is in a row from a column on.
using BlockSource = llvm::function_ref<std::pair<Rows, mlir::Value>(
    mlir::Value row, mlir::Value column, int64_t inputs)>;

/// Quantizes `inputs` numbers of a row of `input`, from column `from` on, to
/// block `block` of `result`, which begins at `column`. `largest` is the
/// magnitude that becomes 127: by default the largest of the block.
void emitQuantizeBlock(LoopBuilder &b, const Rows &input, mlir::Value from,
                       const QuantizedRows &result, mlir::Value row,
                       mlir::Value column, mlir::Value block, int64_t inputs,
                       mlir::Value largest = {});

/// emitBlocks() of numbers that are quantized.
void emitQuantizeBlocks(LoopBuilder &b, const QuantizedRows &result,
                        mlir::Value row, mlir::Value number,
                        llvm::ArrayRef<int64_t> round,
                        llvm::ArrayRef<int64_t> blocks, BlockSource source);

/// Memory of an iteration for the numbers of a block.
inline Rows allocBlock(LoopBuilder &b, int64_t inputs) {
  return {b.allocScratch(mlir::MemRefType::get({1, inputs}, b.getF32Type())),
          b.index(1), inputs};
}

/// Quantizes `count` rows to `type`, in one parallel loop. `largestOfRow`, if
/// there is one, gives the magnitude that becomes 127 in a whole row.
QuantizedRows emitQuantize(
    LoopBuilder &b, mlir::RankedTensorType type, mlir::Value count,
    BlockSource source,
    llvm::function_ref<mlir::Value(mlir::Value)> largestOfRow = nullptr);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_QUANTIZE_H
