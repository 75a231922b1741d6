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
  /// Sums that start with kFloatBits read as kFloatOffset + n. Then n * scale =
  /// (kFloatOffset + n) * scale - kFloatOffset * scale is one fused operation,
  /// also rounded once: the second product is exact, because scales have 22
  /// binary digits.
  static constexpr double kFloatOffset = 3 << 22;

  /// Wraps the values to which `tensor` was converted.
  QuantizedRows(mlir::ValueRange values, mlir::Value tensor);
  /// Allocates buffers for `count` rows. With `isPerThread`, each thread has
  /// its own rows; if tokens are few, each thread has its own tables.
  static QuantizedRows alloc(LoopBuilder &b, mlir::RankedTensorType tensor,
                             mlir::Value count, bool isPerThread = false);
  /// The types of getValues().
  static llvm::SmallVector<mlir::Type> getTypes(const LoopsConfig &config,
                                                int64_t maxTokens,
                                                mlir::RankedTensorType tensor);
  llvm::SmallVector<mlir::Value> getValues() const;

  /// Number of blocks.
  int64_t blocks() const {
    return static_cast<int64_t>(encoding.getBlocks().size());
  }
  /// The index of a row's first table for a block of activations: the `groups`
  /// groups from `first` on.
  mlir::Value tableOf(LoopBuilder &b, mlir::Value row, mlir::Value first,
                      int64_t groups) const;
  /// The values, without tables, in their order in memory:
  /// memref<blocks of tokens x fours x tokens x 4 x i8>, where a block has
  /// kTokenBlock tokens, or the only token. So a product of a block of tokens
  /// reads one ascending stream. With `multiply_panels`, and for weights whose
  /// blocks are shared, a block has one token, so rows are contiguous; products
  /// with panels may read kPanelTokens rows, and fours after the end of a row.
  mlir::Value inBlocks(LoopBuilder &b) const;
  /// The indices of four inputs of a row in inBlocks().
  llvm::SmallVector<mlir::Value> placeOf(LoopBuilder &b, mlir::Value row,
                                         mlir::Value group) const;
  /// Loads them from inBlocks(): vector<4xi8>.
  mlir::Value loadFour(LoopBuilder &b, mlir::Value blocks, mlir::Value row,
                       mlir::Value group) const;

  QuantizedAttr encoding;
  Rows values;
  /// The blocks' scales: memref<blocks x getBufferRows() x f32>, so that a
  /// kernel for one block of all rows reads them from few cache lines. With
  /// `fuse_mul_add`, the same number of rows follows, with
  /// -kFloatOffset * scale.
  mlir::Value scales;
  /// The negated sums of the blocks' values times the bias of the encoding, in
  /// the same order; with `fuse_mul_add`, plus kFloatBits.
  mlir::Value negatedSums;
  /// The tables of the encoding, memref<tables x 32 x i16> for words,
  /// memref<tables x 2 x 16 x i8> (low bytes, high bytes) for nibbles. Blocks
  /// of getTableTokens() tokens follow each other. In each, tables are in the
  /// order of blocks of activations, then of tokens, then of groups, so that
  /// those of a chunk are beside each other.
  mlir::Value tables;

private:
  QuantizedRows() = default;
};

/// Whether all tokens take turns for each block of weights [Q1]. Registers hold
/// the weights, because they cannot hold the sums of kTokenBlock tokens.
bool areBlocksShared(const LoopBuilder &b);

/// Whether a function is for so few tokens that each thread does for itself
/// what would be a short step: for those that are looked up together.
bool areTokensFew(const LoopBuilder &b);

/// Tokens that are looked up together in a function for `maxTokens` tokens.
int64_t getTableTokens(const LoopsConfig &config, int64_t maxTokens);

/// Groups of a block that have a table.
int64_t groupsOf(QuantizedAttr encoding, int64_t inputs);
/// Tables per group.
int64_t groupTables(QuantizedAttr encoding);

/// Stores the bytes of whole groups of a row, from the group of `column` on.
void storeGroups(LoopBuilder &b, mlir::Value bytes, const QuantizedRows &result,
                 mlir::Value row, mlir::Value column);
/// The inverse of storeGroups(), for `count` bytes.
mlir::Value loadGroups(LoopBuilder &b, const QuantizedRows &rows,
                       mlir::Value row, mlir::Value column, int64_t count);
/// Stores the scale of a block of a row, and the negated sum of its values:
/// `sums` has one sum per lane; all of them together are `surplus` larger.
void storeScaleAndSum(LoopBuilder &b, const QuantizedRows &result,
                      mlir::Value row, mlir::Value block, mlir::Value scale,
                      mlir::Value sums, int64_t surplus = 0);

/// Fills a block of a row, the `inputs` inputs from `column` on.
using BlockBody = llvm::function_ref<void(mlir::Value row, mlir::Value column,
                                          mlir::Value block, int64_t inputs)>;

/// Fills the first blocks of round `number` of a row, and builds their tables
/// unless each thread has its own. `round` has the sizes of all blocks of a
/// round, `blocks` the sizes of the blocks to fill.
void emitBlocks(LoopBuilder &b, const QuantizedRows &result, mlir::Value row,
                mlir::Value number, llvm::ArrayRef<int64_t> round,
                llvm::ArrayRef<int64_t> blocks, BlockBody body);

/// Fills all blocks of all rows, in one parallel loop; then all tables have
/// been built, or each thread builds its own. `beginRow`, if given, is called
/// at the beginning of each row, and rows are not divided among threads.
/// Exception: in a function for one token, it is called before the loop, and
/// the row is divided.
void forBlocks(LoopBuilder &b, const QuantizedRows &result, BlockBody body,
               llvm::function_ref<void(mlir::Value)> beginRow = nullptr);

/// The same for few tokens, without a parallel loop: each thread fills its own
/// rows.
void forBlocksPerThread(LoopBuilder &b, const QuantizedRows &result,
                        BlockBody body,
                        llvm::function_ref<void(mlir::Value)> beginRow);

/// If tokens are few, each thread builds its own tables of all rows, because it
/// would take longer to copy the tables of other threads from cache to cache.
/// Else emitBlocks() has built the tables.
void emitTablesPerThread(LoopBuilder &b, const QuantizedRows &rows);

/// Numbers of a row, from `column` on.
struct RowPart {
  Rows rows;
  mlir::Value row, column;
};

/// Returns the numbers of a block, which has `inputs` inputs of a row, from
/// `column` on.
using BlockSource = llvm::function_ref<RowPart(
    mlir::Value row, mlir::Value column, int64_t inputs)>;

/// Quantizes `inputs` numbers of a row of `input`, from column `from` on, to
/// block `block` of `result`, which begins at `column`. `largest` is the
/// magnitude that becomes 127: by default the largest of the block. `inputRow`
/// is the row of the numbers: by default the row of the result.
void emitQuantizeBlock(LoopBuilder &b, const Rows &input, mlir::Value from,
                       const QuantizedRows &result, mlir::Value row,
                       mlir::Value column, mlir::Value block, int64_t inputs,
                       mlir::Value largest = {}, mlir::Value inputRow = {});

/// emitBlocks() with blocks that are quantized from numbers.
void emitQuantizeBlocks(LoopBuilder &b, const QuantizedRows &result,
                        mlir::Value row, mlir::Value number,
                        llvm::ArrayRef<int64_t> round,
                        llvm::ArrayRef<int64_t> blocks, BlockSource source);

/// Quantizes row `inputRow` of `unit`, whole blocks of one size, to the columns
/// of unit `number` of a row, and builds its tables unless each thread does.
void emitQuantizeUnit(LoopBuilder &b, const Rows &unit, mlir::Value inputRow,
                      const QuantizedRows &result, mlir::Value row,
                      mlir::Value number);

/// Allocates memory for the numbers of a block: of an iteration or of a thread.
inline Rows allocBlock(LoopBuilder &b, int64_t inputs) {
  return {b.allocScratch(mlir::MemRefType::get({1, inputs}, b.getF32Type())),
          b.index(1), inputs};
}

/// Quantizes `count` rows to `type`, in one parallel loop. `largestOfRow`, if
/// given, returns the magnitude that becomes 127 in a whole row.
QuantizedRows emitQuantize(
    LoopBuilder &b, mlir::RankedTensorType type, mlir::Value count,
    BlockSource source,
    llvm::function_ref<mlir::Value(mlir::Value)> largestOfRow = nullptr);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_QUANTIZE_H
