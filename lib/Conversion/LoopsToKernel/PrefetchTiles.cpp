//===- PrefetchTiles.cpp - Prefetch the next tile of a weight -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"

namespace sherry {
#define GEN_PASS_DEF_PREFETCHTILES
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
/// The body of the innermost loop over tiles, in an iteration of a parallel
/// loop. It unpacks codes and adds products to sums for each token.
struct TileBody {
  Block *block;
  affine::AffineParallelOp parallel;
  SmallVector<affine::AffineForOp> loops; ///< around the block, outermost first

  static std::optional<TileBody> find(affine::AffineParallelOp parallel);
};

struct PrefetchTilesPass : sherry::impl::PrefetchTilesBase<PrefetchTilesPass> {
  void runOnOperation() override;

private:
  void prefetchWeights(TileBody &body, memref::ViewOp view);
  void prefetchRows(TileBody &body);
};
} // namespace

/// Whether `store` adds to the values that it overwrites.
static bool accumulates(affine::AffineVectorStoreOp store) {
  auto loads = store->getBlock()->getOps<affine::AffineVectorLoadOp>();
  return llvm::any_of(loads, [&](affine::AffineVectorLoadOp load) {
    return load.getMemRef() == store.getMemRef();
  });
}

std::optional<TileBody> TileBody::find(affine::AffineParallelOp parallel) {
  // The store that initializes the sums of a tile.
  affine::AffineVectorStoreOp start;
  parallel.walk([&](affine::AffineVectorStoreOp store) {
    if (!accumulates(store) ||
        store.getMemRef().getParentRegion() != &parallel.getRegion())
      return WalkResult::advance();
    for (Operation *user : store.getMemRef().getUsers())
      if (auto other = dyn_cast<affine::AffineVectorStoreOp>(user);
          other && !accumulates(other))
        start = other;
    return start ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (!start || !isa<affine::AffineForOp>(start->getParentOp()))
    return std::nullopt;
  TileBody body{start->getParentOp()->getBlock(), parallel, {}};
  for (Operation *op = body.block->getParentOp(); op != parallel;
       op = op->getParentOp())
    if (auto loop = dyn_cast<affine::AffineForOp>(op)) {
      if (!loop.hasConstantBounds() || loop.getConstantLowerBound() != 0 ||
          loop.getConstantUpperBound() < 1 || loop.getStepAsInt() != 1)
        return std::nullopt;
      body.loops.insert(body.loops.begin(), loop);
    }
  return body;
}

/// The loop variables of the next iteration, as expressions of the loop
/// variables of this one, d0, d1, ...
static SmallVector<AffineExpr> getNextIteration(TileBody &body) {
  MLIRContext *context = body.parallel.getContext();
  AffineExpr number = getAffineDimExpr(0, context);
  for (auto [i, loop] : llvm::enumerate(body.loops))
    number = number * loop.getConstantUpperBound() +
             getAffineDimExpr(i + 1, context);
  number = number + 1;
  SmallVector<AffineExpr> next;
  for (affine::AffineForOp loop : llvm::reverse(body.loops)) {
    next.push_back(number % loop.getConstantUpperBound());
    number = number.floorDiv(loop.getConstantUpperBound());
  }
  next.push_back(number);
  std::reverse(next.begin(), next.end());
  return next;
}

/// An empty loop with the bounds of `loop`.
static affine::AffineForOp copyHead(OpBuilder &b, affine::AffineForOp loop) {
  return affine::AffineForOp::create(
      b, loop.getLoc(), loop.getLowerBoundOperands(), loop.getLowerBoundMap(),
      loop.getUpperBoundOperands(), loop.getUpperBoundMap(),
      loop.getStepAsInt());
}

/// Whether `values` are defined before `op`.
static bool dominate(ValueRange values, Operation *op) {
  DominanceInfo dominance(op->getParentOfType<func::FuncOp>());
  return llvm::all_of(values, [&](Value value) {
    return dominance.properlyDominates(value, op);
  });
}

void PrefetchTilesPass::prefetchWeights(TileBody &body, memref::ViewOp view) {
  auto apply = view.getByteShift().getDefiningOp<affine::AffineApplyOp>();
  if (!apply || !view.getType().hasStaticShape())
    return;
  AffineMap map = apply.getAffineMap();
  SmallVector<Value> places(apply.getMapOperands());
  affine::fullyComposeAffineMapAndOperands(&map, &places);
  // Prefetch all steps of a chunk together, before the codes are unpacked.
  auto steps = dyn_cast<affine::AffineForOp>(view->getParentOp());
  bool isStep = steps && body.block != view->getBlock() &&
                !steps.getBody()->getOps<UnpackCodesOp>().empty();
  SmallVector<Value> others(places);
  if (isStep)
    llvm::erase(others, steps.getInductionVar());
  if (!dominate(others, isStep ? steps : view.getOperation()))
    return;
  OpBuilder b(view);
  IRMapping variables;
  if (isStep) {
    b.setInsertionPoint(steps);
    affine::AffineForOp loop = copyHead(b, steps);
    variables.map(steps.getInductionVar(), loop.getInductionVar());
    b.setInsertionPointToStart(loop.getBody());
  }
  SmallVector<Value> iteration{body.parallel.getIVs().front()};
  for (affine::AffineForOp loop : body.loops)
    iteration.push_back(loop.getInductionVar());
  SmallVector<AffineExpr> next = getNextIteration(body);
  SmallVector<AffineExpr> dims;
  SmallVector<Value> operands(iteration);
  for (Value operand : ArrayRef(places).take_front(map.getNumDims())) {
    auto *variable = llvm::find(iteration, operand);
    if (variable != iteration.end()) {
      dims.push_back(next[variable - iteration.begin()]);
      continue;
    }
    dims.push_back(b.getAffineDimExpr(operands.size()));
    operands.push_back(variables.lookupOrDefault(operand));
  }
  unsigned numDims = operands.size();
  llvm::append_range(operands, ArrayRef(places).drop_front(map.getNumDims()));
  AffineExpr place = map.getResult(0).replaceDims(dims);
  MemRefType type = view.getType();
  int64_t size = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  for (int64_t line = 0; line < size; line += kLineBytes) {
    AffineMap lineMap =
        AffineMap::get(numDims, map.getNumSymbols(), place + line);
    SmallVector<Value> lineOperands(operands);
    affine::canonicalizeMapAndOperands(&lineMap, &lineOperands);
    affine::AffinePrefetchOp::create(b, view.getLoc(), view.getSource(),
                                     lineMap, lineOperands, /*isWrite=*/false,
                                     /*localityHint=*/2, /*isDataCache=*/true);
    ++numPrefetched;
  }
}

void PrefetchTilesPass::prefetchRows(TileBody &body) {
  for (auto tokens :
       llvm::to_vector(body.block->getOps<affine::AffineForOp>())) {
    auto isOutside = [&](Value memref) {
      return !body.parallel.getRegion().isAncestor(memref.getParentRegion());
    };
    auto stores = tokens.getBody()->getOps<affine::AffineVectorStoreOp>();
    if (llvm::none_of(stores, [&](affine::AffineVectorStoreOp store) {
          return isOutside(store.getMemRef());
        }))
      continue;
    if (!dominate(tokens.getControlOperands(), &body.block->front()))
      continue;
    auto b = OpBuilder::atBlockBegin(body.block);
    affine::AffineForOp loop = copyHead(b, tokens);
    b.setInsertionPointToStart(loop.getBody());
    auto prefetch = [&](Value memref, VectorType type, AffineMap map,
                        ValueRange operands, bool isWrite) {
      int64_t bytes = type.getElementTypeBitWidth() / 8;
      SmallVector<Value> rows(operands), others(operands);
      llvm::erase(others, tokens.getInductionVar());
      if (!isOutside(memref) || map.getNumResults() == 0 || bytes == 0 ||
          !dominate(others, loop))
        return;
      llvm::replace(rows, tokens.getInductionVar(), loop.getInductionVar());
      for (int64_t lane = 0; lane < type.getNumElements();
           lane += kLineBytes / bytes) {
        SmallVector<AffineExpr> place(map.getResults());
        place.back() = place.back() + lane;
        affine::AffinePrefetchOp::create(
            b, tokens.getLoc(), memref,
            AffineMap::get(map.getNumDims(), map.getNumSymbols(), place,
                           &getContext()),
            rows, isWrite, /*localityHint=*/3, /*isDataCache=*/true);
        ++numPrefetched;
      }
    };
    for (auto store : stores)
      prefetch(store.getMemRef(), store.getVectorType(), store.getAffineMap(),
               store.getMapOperands(), /*isWrite=*/true);
    for (auto load : tokens.getBody()->getOps<affine::AffineVectorLoadOp>())
      prefetch(load.getMemRef(), load.getVectorType(), load.getAffineMap(),
               load.getMapOperands(), /*isWrite=*/false);
  }
}

void PrefetchTilesPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isDeclaration() || function.getNumArguments() == 0 ||
      getSchedule(function->getParentOfType<ModuleOp>()).getPrefetch() == 0)
    return;
  function.walk([&](affine::AffineParallelOp parallel) {
    std::optional<TileBody> body = TileBody::find(parallel);
    if (!body)
      return;
    SmallVector<memref::ViewOp> views;
    bool isUnpacked = false;
    body->block->walk([&](Operation *op) {
      isUnpacked |= isa<UnpackCodesOp>(op);
      if (auto view = dyn_cast<memref::ViewOp>(op);
          view && view.getSource() == function.getArgument(0))
        views.push_back(view);
    });
    if (!isUnpacked)
      return;
    for (memref::ViewOp view : views)
      prefetchWeights(*body, view);
    prefetchRows(*body);
  });
}
