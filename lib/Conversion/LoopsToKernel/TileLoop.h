//===- TileLoop.h - Parallel loops over the tiles of a weight ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_TILELOOP_H
#define LIB_CONVERSION_LOOPSTOKERNEL_TILELOOP_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/DenseSet.h"

namespace sherry {

/// The subscripts of `op`, if it has any.
std::optional<std::pair<mlir::AffineMap, mlir::OperandRange>>
getSubscripts(mlir::Operation *op);

/// A loop over the tiles of a weight whose super-tiles have several tiles.
struct TileLoop {
  /// The ops for the tiles [begin, end).
  struct Range {
    mlir::Block *body;
    int64_t begin, end;
  };

  /// Fails if the loop has another form.
  static mlir::FailureOr<TileLoop> get(mlir::affine::AffineParallelOp loop);

  mlir::Value getTile() { return loop.getIVs().front(); }
  int64_t getNumTiles() const { return ranges.back().end; }
  /// Whether `op` has other values or effects in each tile.
  bool isOfTile(mlir::Operation *op) const;

  mlir::affine::AffineParallelOp loop;
  int64_t size = 0; ///< tiles of a super-tile
  llvm::SmallVector<Range> ranges;
  llvm::DenseSet<mlir::Value> ofTile; ///< values that differ between tiles

private:
  mlir::LogicalResult findRanges();
  mlir::LogicalResult findSize();
  mlir::LogicalResult checkBody();
};

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_TILELOOP_H
