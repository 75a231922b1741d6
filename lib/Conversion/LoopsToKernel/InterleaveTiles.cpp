//===- InterleaveTiles.cpp - The tiles of a super-tile take turns ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule [T5] of docs/BlockFormat.md lets the tiles of a super-tile alternate in
// memory. A loop over tiles
//
//   affine.parallel (%tile) = (0) to (n) {
//     %sums = affine.for %group = ... iter_args(...) { A; B }
//     C
//   }
//
// becomes
//
//   sherry.step {
//   ^bb0(%begin, %end):
//     affine.for %superTile = ... {
//       affine.for %group = ... {
//         affine.for %number = ... { A }
//         affine.for %number = ... { B }
//       }
//       affine.for %number = ... { C }
//     }
//   }
//
// where memory holds those values of a tile that other loops read. The ops of
// each tile keep their order.
//
//===----------------------------------------------------------------------===//
#include "FindTeam.h"
#include "TileLoop.h"
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Affine/LoopUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sherry {
#define GEN_PASS_DEF_INTERLEAVETILES
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Most steps of a chunk.
static constexpr int64_t kMaxSteps = 4;

namespace {
/// Rewrites a loop over tiles.
class Interleaving {
public:
  Interleaving(TileLoop tiles, Value team,
               DenseMap<Type, SmallVector<Value>> &slots)
      : tiles(tiles), team(team), slots(slots),
        b(tiles.loop.getLoc(), tiles.loop) {}

  /// Erases the loop.
  void run();

private:
  /// A value with which a loop, or its next round, begins.
  struct Store {
    Value value, slot;
    Operation *user; ///< the loop or its terminator
  };

  void emit(Block &block);
  void emitLoop(affine::AffineForOp original);
  void emitTurns();
  Value lookUp(Value value, IRMapping &map, Value number);
  Operation *copy(Operation *op, IRMapping &map, Value number);
  void placeInTile(Operation *op, Value number);
  bool outlivesTurns(Value value);
  Value addSlot(Value value);
  void freeSlots(Block &block);
  AffineMap getPlace(Type type);

  TileLoop tiles;
  Value team;
  DenseMap<Type, SmallVector<Value>> &slots; ///< buffers for values of tiles
  ImplicitLocOpBuilder b;

  // While a range is emitted:
  int64_t rangeEnd = 0;
  Value begin, end; ///< the range of tiles that the thread has taken
  Value superTile;
  IRMapping shared; ///< values that all tiles share
  /// The ops of the next loop over tiles.
  SmallVector<Operation *> turns;
  SmallVector<Store> stores;
  DenseMap<Value, Value> slotOf;
  SmallVector<Value> kept; ///< results of ops that have slots of their own
  DenseMap<Type, SmallVector<Value>> freeOfType;
  DenseSet<Operation *> emitted;
};

struct InterleaveTilesPass
    : sherry::impl::InterleaveTilesBase<InterleaveTilesPass> {
  void runOnOperation() override;
};
} // namespace

/// Whether `op` computes an address in memory; it is then repeated at each use.
static bool findsPlace(Operation *op) {
  return isMemoryEffectFree(op) &&
         llvm::all_of(op->getResultTypes(), [](Type type) {
           return isa<MemRefType, IndexType>(type);
         });
}

/// Whether ops outside the collected turns use `value`.
bool Interleaving::outlivesTurns(Value value) {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (llvm::any_of(stores, [&](const Store &store) {
          return store.value == value && store.user == user;
        }))
      return false;
    return llvm::none_of(turns,
                         [&](Operation *op) { return op->isAncestor(user); }) ||
           findsPlace(user);
  });
}

Value Interleaving::addSlot(Value value) {
  SmallVector<int64_t> shape{tiles.size};
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    llvm::append_range(shape, vector.getShape());
  auto type = MemRefType::get(shape, getElementTypeOrSelf(value.getType()));
  SmallVector<Value> &unused = freeOfType[type];
  if (!unused.empty())
    return slotOf[value] = unused.pop_back_val();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(
      &tiles.loop->getParentOfType<func::FuncOp>().getFunctionBody().front());
  Value slot = memref::AllocaOp::create(
      b, type, b.getI64IntegerAttr(SHERRY_ABI_BUFFER_ALIGNMENT));
  slots[type].push_back(slot);
  return slotOf[value] = slot;
}

/// Frees the slots of those values of `block` that no later op of it uses.
void Interleaving::freeSlots(Block &block) {
  llvm::erase_if(kept, [&](Value value) {
    if (value.getParentBlock() != &block)
      return false;
    bool isDone = llvm::all_of(value.getUsers(), [&](Operation *user) {
      return emitted.contains(block.findAncestorOpInBlock(*user)) &&
             !findsPlace(user);
    });
    if (isDone) {
      Value slot = slotOf.lookup(value);
      freeOfType[slot.getType()].push_back(slot);
    }
    return isDone;
  });
}

/// The subscripts of a tile's value of type `type` in its slot.
AffineMap Interleaving::getPlace(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  SmallVector<AffineExpr> place(vector ? vector.getRank() + 1 : 1,
                                b.getAffineConstantExpr(0));
  place[0] = b.getAffineDimExpr(0);
  return AffineMap::get(1, 0, place, b.getContext());
}

/// A copy of `op` for the tile of the loop over `number`.
Operation *Interleaving::copy(Operation *op, IRMapping &map, Value number) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
        lookUp(operand, map, number);
  });
  Operation *result = b.clone(*op, map);
  result->walk([&](Operation *inner) { placeInTile(inner, number); });
  return result;
}

/// Replaces the tile of the original loop by the tile of the loop over `number`
/// in the subscripts of a copy.
void Interleaving::placeInTile(Operation *op, Value number) {
  Value tile = tiles.getTile();
  auto subscripts = getSubscripts(op);
  if (!subscripts || !llvm::is_contained(subscripts->second, tile))
    return;
  auto [subscriptMap, range] = *subscripts;
  unsigned numDims = subscriptMap.getNumDims();
  AffineExpr super = b.getAffineDimExpr(numDims);
  AffineExpr inSuper = b.getAffineDimExpr(numDims + 1);
  DenseMap<AffineExpr, AffineExpr> replacements;
  SmallVector<Value> operands(range);
  for (unsigned i = 0; i < numDims; ++i) {
    if (operands[i] != tile)
      continue;
    AffineExpr dim = b.getAffineDimExpr(i);
    replacements[dim.floorDiv(tiles.size)] = super;
    replacements[dim % tiles.size] = inSuper;
    replacements[dim] = super * tiles.size + inSuper;
  }
  AffineMap replaced =
      AffineMap::get(numDims + 2, subscriptMap.getNumSymbols(),
                     llvm::map_to_vector(subscriptMap.getResults(),
                                         [&](AffineExpr expr) {
                                           return expr.replace(replacements);
                                         }),
                     b.getContext());
  operands.insert(operands.begin() + numDims, {superTile, number});
  affine::canonicalizeMapAndOperands(&replaced, &operands);
  op->setOperands(range.getBeginOperandIndex(), range.size(), operands);
  op->setAttr("map", AffineMapAttr::get(replaced));
}

/// `value` for the tile of the loop over `number`, under construction.
Value Interleaving::lookUp(Value value, IRMapping &map, Value number) {
  if (!tiles.ofTile.contains(value) || map.contains(value) ||
      value == tiles.getTile())
    return map.lookupOrDefault(value);
  Value slot = slotOf.lookup(value);
  if (!slot) {
    copy(value.getDefiningOp(), map, number);
    return map.lookup(value);
  }
  AffineMap place = getPlace(value.getType());
  Value loaded;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    loaded = affine::AffineVectorLoadOp::create(b, vector, slot, place, number);
  else
    loaded = affine::AffineLoadOp::create(b, slot, place, number);
  map.map(value, loaded);
  return loaded;
}

/// Ends the turns: emits a loop over those tiles of the super-tile that the
/// thread has taken.
void Interleaving::emitTurns() {
  if (turns.empty() && stores.empty())
    return;
  AffineExpr super = b.getAffineDimExpr(0), tile = b.getAffineSymbolExpr(0);
  SmallVector<AffineExpr> ends{b.getAffineConstantExpr(tiles.size),
                               tile - super * tiles.size};
  if (rangeEnd % tiles.size != 0)
    ends.push_back(-super * tiles.size + rangeEnd);
  auto turn = affine::AffineForOp::create(
      b, ValueRange{superTile, begin},
      AffineMap::get(1, 1,
                     {b.getAffineConstantExpr(0), tile - super * tiles.size},
                     b.getContext()),
      ValueRange{superTile, end}, AffineMap::get(1, 1, ends, b.getContext()));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(turn.getBody());
  Value number = turn.getInductionVar();
  IRMapping map(shared);
  auto store = [&](Value value, Value slot) {
    AffineMap place = getPlace(value.getType());
    if (isa<VectorType>(value.getType()))
      affine::AffineVectorStoreOp::create(b, value, slot, place, number);
    else
      affine::AffineStoreOp::create(b, value, slot, place, number);
  };
  for (Operation *op : turns) {
    if (findsPlace(op))
      continue;
    copy(op, map, number);
    for (Value result : op->getResults())
      if (outlivesTurns(result)) {
        store(map.lookup(result), addSlot(result));
        kept.push_back(result);
      }
  }
  SmallVector<Value> values;
  for (const Store &entry : stores)
    values.push_back(lookUp(entry.value, map, number));
  for (auto [value, entry] : llvm::zip_equal(values, stores))
    store(value, entry.slot);
  emitted.insert_range(turns);
  turns.clear();
  stores.clear();
}

void Interleaving::emitLoop(affine::AffineForOp original) {
  SmallVector<Value> carried;
  for (auto [init, arg] :
       llvm::zip_equal(original.getInits(), original.getRegionIterArgs())) {
    carried.push_back(addSlot(arg));
    stores.push_back({init, carried.back(), original});
  }
  emitTurns();
  auto mapped = [&](ValueRange values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return shared.lookupOrDefault(value); });
  };
  auto copied = affine::AffineForOp::create(
      b, mapped(original.getLowerBoundOperands()), original.getLowerBoundMap(),
      mapped(original.getUpperBoundOperands()), original.getUpperBoundMap(),
      original.getStepAsInt());
  shared.map(original.getInductionVar(), copied.getInductionVar());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(copied.getBody());
    emit(*original.getBody());
    Operation *yield = original.getBody()->getTerminator();
    for (auto [value, slot] : llvm::zip_equal(yield->getOperands(), carried))
      stores.push_back({value, slot, yield});
    emitTurns();
  }
  // Later ops use results of the loop instead of the values of its body.
  emitted.insert(original.getBody()->getTerminator());
  freeSlots(*original.getBody());
  for (auto [result, slot] : llvm::zip_equal(original.getResults(), carried)) {
    slotOf[result] = slot;
    kept.push_back(result);
  }
  emitted.insert(original);
}

void Interleaving::emit(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (auto inner = dyn_cast<affine::AffineForOp>(op)) {
      emitLoop(inner);
      freeSlots(block);
      continue;
    }
    if (!tiles.isOfTile(&op)) {
      if (!isMemoryEffectFree(&op))
        emitTurns();
      b.clone(op, shared);
      continue;
    }
    turns.push_back(&op);
    // The code for one tile reads and prefetches a few lines in ascending
    // order, between its lookups.
    if (isa<LookupCodesOp>(op) &&
        std::any_of(
            std::next(op.getIterator()), block.end(),
            [](Operation &other) { return isa<LookupCodesOp>(other); })) {
      emitTurns();
      freeSlots(block);
    }
  }
}

void Interleaving::run() {
  auto step = StepOp::create(
      b, team, arith::ConstantIndexOp::create(b, tiles.getNumTiles()),
      tiles.size,
      SherryDialect::StepAttrHelper(b.getContext()).getAttr(tiles.loop));
  begin = step.getBegin();
  end = step.getEnd();
  b.setInsertionPointToStart(&step.getBody().front());
  AffineExpr tile = b.getAffineSymbolExpr(0);
  for (const TileLoop::Range &range : tiles.ranges) {
    rangeEnd = range.end;
    kept.clear();
    freeOfType = slots;
    auto superTiles = affine::AffineForOp::create(
        b, begin,
        AffineMap::get(0, 1,
                       {tile.floorDiv(tiles.size),
                        b.getAffineConstantExpr(range.begin / tiles.size)},
                       b.getContext()),
        end,
        AffineMap::get(
            0, 1,
            {tile.ceilDiv(tiles.size),
             b.getAffineConstantExpr(llvm::divideCeil(range.end, tiles.size))},
            b.getContext()));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(superTiles.getBody());
    superTile = superTiles.getInductionVar();
    emit(*range.body);
    emitTurns();
  }
  tiles.loop.erase();
}

void InterleaveTilesPass::runOnOperation() {
  func::FuncOp function = getOperation();
  Value team = findTeam(function);
  if (function.isDeclaration() || !team)
    return;
  DenseMap<Type, SmallVector<Value>> slots;
  SmallVector<affine::AffineParallelOp> loops;
  function.walk([&](affine::AffineParallelOp loop) { loops.push_back(loop); });
  for (affine::AffineParallelOp loop : loops) {
    SetVector<Operation *> steps;
    loop.walk([&](LookupCodesOp op) { steps.insert(op->getParentOp()); });
    if (steps.empty())
      continue;
    FailureOr<TileLoop> tiles = TileLoop::get(loop);
    if (failed(tiles))
      continue;
    // Unrolled, the first step begins with zeros, and later ops use the sums of
    // the last step directly.
    bool isUnrolled = false;
    for (Operation *op : steps)
      if (auto inner = dyn_cast<affine::AffineForOp>(op);
          inner && inner.hasConstantBounds() &&
          inner.getConstantUpperBound() - inner.getConstantLowerBound() <=
              kMaxSteps * inner.getStepAsInt())
        isUnrolled |= succeeded(affine::loopUnrollFull(inner));
    if (isUnrolled && failed(tiles = TileLoop::get(loop)))
      continue;
    Interleaving(*tiles, team, slots).run();
    ++numInterleaved;
  }
}
