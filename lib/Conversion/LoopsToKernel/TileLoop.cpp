//===- TileLoop.cpp - Parallel loops over the tiles of a weight -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileLoop.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IntegerSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sherry;

std::optional<std::pair<AffineMap, OperandRange>>
sherry::getSubscripts(Operation *op) {
  std::optional<std::pair<AffineMap, OperandRange>> result;
  TypeSwitch<Operation *>(op)
      .Case<affine::AffineApplyOp, affine::AffineLoadOp, affine::AffineStoreOp,
            affine::AffineVectorLoadOp, affine::AffineVectorStoreOp>(
          [&](auto op) {
            result.emplace(op.getAffineMap(), op.getMapOperands());
          });
  return result;
}

bool TileLoop::isOfTile(Operation *op) const {
  bool onlyReads =
      isMemoryEffectFree(op) || isa<affine::AffineReadOpInterface>(op);
  return !onlyReads || llvm::any_of(op->getOperands(), [&](Value operand) {
    return ofTile.contains(operand);
  });
}

LogicalResult TileLoop::findRanges() {
  if (!loop.getUpperBoundsMap().isSingleConstant())
    return failure();
  int64_t tiles = loop.getUpperBoundsMap().getSingleConstantResult();
  auto choice = dyn_cast<affine::AffineIfOp>(loop.getBody()->front());
  if (!choice) {
    ranges.push_back({loop.getBody(), 0, tiles});
    return success();
  }
  // The last super-tile is smaller: `first - tile >= 0`.
  IntegerSet set = choice.getIntegerSet();
  AffineExpr tile = getAffineDimExpr(0, loop.getContext());
  if (set.getNumConstraints() != 1 || set.isEq(0) || set.getNumSymbols() != 0 ||
      set.getNumDims() != 1 || choice.getOperand(0) != getTile() ||
      !choice.hasElse() || choice->getNumResults() != 0 ||
      choice->getNextNode() != loop.getBody()->getTerminator())
    return failure();
  auto last = dyn_cast<AffineConstantExpr>(set.getConstraint(0) + tile);
  if (!last || last.getValue() < 0 || last.getValue() + 1 >= tiles)
    return failure();
  int64_t whole = last.getValue() + 1;
  ranges.push_back({choice.getThenBlock(), 0, whole});
  ranges.push_back({choice.getElseBlock(), whole, tiles});
  return success();
}

/// Finds the n of `%tile floordiv n` and `%tile mod n`.
LogicalResult TileLoop::findSize() {
  Value tile = getTile();
  for (Operation *user : tile.getUsers()) {
    if (isa<affine::AffineIfOp>(user))
      continue;
    auto subscripts = getSubscripts(user);
    if (!subscripts || llvm::count(user->getOperands(), tile) !=
                           llvm::count(subscripts->second, tile))
      return failure();
    auto [map, operands] = *subscripts;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      if (operand != tile)
        continue;
      AffineExpr dim = getAffineDimExpr(i, loop.getContext());
      bool isOther = false;
      map.walkExprs([&](AffineExpr expr) {
        auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
        if (!binary || binary.getLHS() != dim ||
            (binary.getKind() != AffineExprKind::FloorDiv &&
             binary.getKind() != AffineExprKind::Mod))
          return;
        auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
        isOther |= !divisor || (size != 0 && divisor.getValue() != size);
        size = divisor ? divisor.getValue() : 0;
      });
      if (isOther)
        return failure();
    }
  }
  return success(size > 1 && llvm::all_of(ranges, [&](const Range &range) {
                   return range.begin % size == 0;
                 }));
}

/// Whether memory can hold a value of this type for each tile.
static bool canBeKept(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getRank() > 0 && !vector.isScalable();
  return type.isIntOrFloat();
}

/// Checks the body, and finds the values that differ between tiles.
LogicalResult TileLoop::checkBody() {
  ofTile.insert(getTile());
  WalkResult walk =
      loop.getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (auto inner = dyn_cast<affine::AffineForOp>(op)) {
          // All carried values are kept for each tile.
          ofTile.insert_range(ValueRange(inner.getRegionIterArgs()));
          ofTile.insert_range(ValueRange(inner.getResults()));
          bool isSame =
              llvm::none_of(inner.getControlOperands(), [&](Value operand) {
                return ofTile.contains(operand);
              });
          return WalkResult(success(
              isSame && llvm::all_of(inner.getResultTypes(), canBeKept)));
        }
        bool isOfRanges = ranges.size() > 1 && isa<affine::AffineIfOp>(op) &&
                          op->getBlock() == loop.getBody();
        // Conditional ops must have the same condition for all tiles.
        bool isSameForAll =
            isa<affine::AffineIfOp>(op) && op->getNumResults() == 0 &&
            llvm::none_of(op->getOperands(),
                          [&](Value value) { return ofTile.contains(value); });
        if (isOfRanges || isSameForAll || isa<affine::AffineYieldOp>(op))
          return WalkResult::advance();
        if (op->getNumRegions() != 0)
          return WalkResult::interrupt();
        if (!isOfTile(op))
          return WalkResult::advance();
        ofTile.insert_range(ValueRange(op->getResults()));
        // Views and subscripts are repeated at each use.
        bool isPure = isMemoryEffectFree(op);
        return WalkResult(
            success(llvm::all_of(op->getResultTypes(), [&](Type type) {
              return canBeKept(type) ||
                     (isPure && isa<MemRefType, IndexType>(type));
            })));
      });
  return failure(walk.wasInterrupted());
}

FailureOr<TileLoop> TileLoop::get(affine::AffineParallelOp loop) {
  TileLoop result;
  result.loop = loop;
  if (loop.getNumDims() != 1 || loop.getNumResults() != 0 ||
      loop.getSteps().front() != 1 ||
      !loop.getLowerBoundsMap().isSingleConstant() ||
      loop.getLowerBoundsMap().getSingleConstantResult() != 0 ||
      !isa<func::FuncOp>(loop->getParentOp()) || failed(result.findRanges()) ||
      failed(result.findSize()) || failed(result.checkBody()))
    return failure();
  return result;
}
