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
// becomes, for the tiles of a thread,
//
//   affine.for %superTile = ... {
//     affine.for %group = ... {
//       affine.for %number = ... { A }
//       affine.for %number = ... { B }
//     }
//     affine.for %number = ... { C }
//   }
//
// where the values of a tile that other loops read are kept in memory. Each
// tile does what it did, in the same order.
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/LoopUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/IntegerSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace sherry {
#define GEN_PASS_DEF_INTERLEAVETILES
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Steps of a chunk.
static constexpr int64_t kMaxSteps = 4;

namespace {
/// What is done to the tiles from `begin` on, up to `end`.
struct Range {
  Block *body;
  int64_t begin, end;
};

/// A loop over tiles and what it becomes.
class Interleaving {
public:
  /// Fails, and changes nothing, if the loop has another form.
  static FailureOr<Interleaving> get(affine::AffineParallelOp loop, Value team);

  /// Erases the loop. `slots` are buffers for values of tiles.
  void run(DenseMap<Type, SmallVector<Value>> &slots);

private:
  Interleaving(affine::AffineParallelOp loop, Value team)
      : loop(loop), team(team), b(loop.getLoc(), loop) {}

  LogicalResult findRanges();
  LogicalResult findSize();
  LogicalResult checkBody();

  bool isOfTile(Operation *op) {
    return !isMemoryEffectFree(op) && !isa<affine::AffineReadOpInterface>(op)
               ? true
               : llvm::any_of(op->getOperands(),
                              [&](Value v) { return ofTile.contains(v); });
  }
  void emit(Block &block);
  void emitLoop(affine::AffineForOp original);
  void emitTurns();
  Value lookUp(Value value, IRMapping &map, Value number);
  Operation *copy(Operation *op, IRMapping &map, Value number);
  bool outlivesTurns(Value value);
  Value addSlot(Value value);

  affine::AffineParallelOp loop;
  Value team;
  ImplicitLocOpBuilder b;
  int64_t size = 0; ///< tiles of a super-tile
  SmallVector<Range> ranges;
  DenseSet<Value> ofTile; ///< values that tiles have of their own

  // While a range is emitted:
  int64_t rangeEnd = 0;
  Value begin, end; ///< tiles of the thread
  Value superTile;
  IRMapping shared; ///< values of all tiles
  /// What the next loop over tiles does.
  SmallVector<Operation *> turns;
  SmallVector<std::pair<Value, Value>> stores; ///< values and slots
  DenseMap<Value, Value> slotOf;
  DenseMap<Type, SmallVector<Value>> *slots = nullptr;
  DenseMap<Type, size_t> usedSlots;
};

struct InterleaveTilesPass
    : sherry::impl::InterleaveTilesBase<InterleaveTilesPass> {
  void runOnOperation() override;
};
} // namespace

/// The subscripts of an op that has some.
static std::optional<std::pair<AffineMap, OperandRange>>
getSubscripts(Operation *op) {
  std::optional<std::pair<AffineMap, OperandRange>> result;
  TypeSwitch<Operation *>(op)
      .Case<affine::AffineApplyOp, affine::AffineLoadOp, affine::AffineStoreOp,
            affine::AffineVectorLoadOp, affine::AffineVectorStoreOp>(
          [&](auto op) {
            result.emplace(op.getAffineMap(), op.getMapOperands());
          });
  return result;
}

LogicalResult Interleaving::findRanges() {
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
  AffineExpr tile = b.getAffineDimExpr(0);
  if (set.getNumConstraints() != 1 || set.isEq(0) || set.getNumSymbols() != 0 ||
      set.getNumDims() != 1 || choice.getOperand(0) != loop.getIVs().front() ||
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
LogicalResult Interleaving::findSize() {
  Value tile = loop.getIVs().front();
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
      AffineExpr dim = b.getAffineDimExpr(i);
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

/// Finds the values of tiles, too.
LogicalResult Interleaving::checkBody() {
  ofTile.insert(loop.getIVs().front());
  WalkResult walk =
      loop.getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isa<affine::AffineIfOp, affine::AffineYieldOp>(op))
          return WalkResult::advance();
        if (auto inner = dyn_cast<affine::AffineForOp>(op)) {
          // All that is carried is kept for each tile.
          ofTile.insert_range(ValueRange(inner.getRegionIterArgs()));
          ofTile.insert_range(ValueRange(inner.getResults()));
          bool isSame = llvm::none_of(inner.getControlOperands(), [&](Value v) {
            return ofTile.contains(v);
          });
          return isSame ? WalkResult::advance() : WalkResult::interrupt();
        }
        if (!isOfTile(op))
          return WalkResult::advance();
        ofTile.insert_range(ValueRange(op->getResults()));
        // Memory and places are found again where they are needed.
        bool canBeKept = isMemoryEffectFree(op) ||
                         llvm::none_of(op->getResultTypes(), [](Type type) {
                           return isa<MemRefType, IndexType>(type);
                         });
        return op->getNumRegions() == 0 && canBeKept ? WalkResult::advance()
                                                     : WalkResult::interrupt();
      });
  return failure(walk.wasInterrupted());
}

FailureOr<Interleaving> Interleaving::get(affine::AffineParallelOp loop,
                                          Value team) {
  Interleaving result(loop, team);
  if (loop.getNumDims() != 1 || loop.getNumResults() != 0 ||
      loop.getSteps().front() != 1 ||
      !loop.getLowerBoundsMap().isSingleConstant() ||
      loop.getLowerBoundsMap().getSingleConstantResult() != 0 ||
      SherryDialect::OnDemandAttrHelper(loop.getContext())
          .isAttrPresent(loop) ||
      !isa<func::FuncOp>(loop->getParentOp()) || failed(result.findRanges()) ||
      failed(result.findSize()) || failed(result.checkBody()))
    return failure();
  return result;
}

/// Whether other ops than those of this turn use `value`.
bool Interleaving::outlivesTurns(Value value) {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    bool isCarried = isa<affine::AffineForOp>(user) ||
                     user->hasTrait<OpTrait::IsTerminator>();
    if (isCarried && llvm::any_of(stores, [&](const auto &store) {
          return store.first == value;
        }))
      return false;
    return !llvm::is_contained(turns, user);
  });
}

Value Interleaving::addSlot(Value value) {
  Type type = value.getType();
  SmallVector<Value> &ofType = (*slots)[type];
  size_t &next = usedSlots[type];
  if (next == ofType.size()) {
    SmallVector<int64_t> shape{size};
    if (auto vector = dyn_cast<VectorType>(type))
      llvm::append_range(shape, vector.getShape());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(
        &loop->getParentOfType<func::FuncOp>().getFunctionBody().front());
    ofType.push_back(memref::AllocaOp::create(
        b, MemRefType::get(shape, getElementTypeOrSelf(type)),
        b.getI64IntegerAttr(SHERRY_ABI_BUFFER_ALIGNMENT)));
  }
  return slotOf[value] = ofType[next++];
}

/// A copy of `op` for the tile of the loop over `number`.
Operation *Interleaving::copy(Operation *op, IRMapping &map, Value number) {
  for (Value operand : op->getOperands())
    lookUp(operand, map, number);
  Operation *result = b.clone(*op, map);
  Value tile = loop.getIVs().front();
  auto subscripts = getSubscripts(result);
  if (!subscripts || !llvm::is_contained(subscripts->second, tile))
    return result;
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
    replacements[dim.floorDiv(size)] = super;
    replacements[dim % size] = inSuper;
    replacements[dim] = super * size + inSuper;
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
  result->setOperands(range.getBeginOperandIndex(), range.size(), operands);
  result->setAttr("map", AffineMapAttr::get(replaced));
  return result;
}

/// `value` of the tile of the loop over `number`, under construction.
Value Interleaving::lookUp(Value value, IRMapping &map, Value number) {
  if (!ofTile.contains(value) || map.contains(value) ||
      value == loop.getIVs().front())
    return map.lookupOrDefault(value);
  Value slot = slotOf.lookup(value);
  if (!slot) {
    copy(value.getDefiningOp(), map, number);
    return map.lookup(value);
  }
  Value loaded;
  if (auto vector = dyn_cast<VectorType>(value.getType())) {
    SmallVector<AffineExpr> place(vector.getRank() + 1,
                                  b.getAffineConstantExpr(0));
    place[0] = b.getAffineDimExpr(0);
    loaded = affine::AffineVectorLoadOp::create(
        b, vector, slot, AffineMap::get(1, 0, place, b.getContext()), number);
  } else {
    loaded = affine::AffineLoadOp::create(b, slot, number);
  }
  map.map(value, loaded);
  return loaded;
}

/// Ends the turns: a loop over the tiles that the thread has of the super-tile.
void Interleaving::emitTurns() {
  if (turns.empty() && stores.empty())
    return;
  AffineExpr super = b.getAffineDimExpr(0), tile = b.getAffineSymbolExpr(0);
  SmallVector<AffineExpr> ends{b.getAffineConstantExpr(size),
                               tile - super * size};
  if (rangeEnd % size != 0)
    ends.push_back(-super * size + rangeEnd);
  auto tiles = affine::AffineForOp::create(
      b, ValueRange{superTile, begin},
      AffineMap::get(1, 1, {b.getAffineConstantExpr(0), tile - super * size},
                     b.getContext()),
      ValueRange{superTile, end}, AffineMap::get(1, 1, ends, b.getContext()));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(tiles.getBody());
  Value number = tiles.getInductionVar();
  IRMapping map(shared);
  auto store = [&](Value value, Value slot) {
    auto vector = dyn_cast<VectorType>(value.getType());
    if (!vector) {
      affine::AffineStoreOp::create(b, value, slot, number);
      return;
    }
    SmallVector<AffineExpr> place(vector.getRank() + 1,
                                  b.getAffineConstantExpr(0));
    place[0] = b.getAffineDimExpr(0);
    affine::AffineVectorStoreOp::create(
        b, value, slot, AffineMap::get(1, 0, place, b.getContext()), number);
  };
  for (Operation *op : turns) {
    // Where it is needed.
    if (isMemoryEffectFree(op) &&
        llvm::all_of(op->getResultTypes(), [](Type type) {
          return isa<MemRefType, IndexType>(type);
        }))
      continue;
    copy(op, map, number);
    for (Value result : op->getResults())
      if (outlivesTurns(result))
        store(map.lookup(result), addSlot(result));
  }
  SmallVector<Value> values;
  for (auto [value, slot] : stores)
    values.push_back(lookUp(value, map, number));
  for (auto [value, entry] : llvm::zip_equal(values, stores))
    store(value, entry.second);
  turns.clear();
  stores.clear();
}

void Interleaving::emitLoop(affine::AffineForOp original) {
  SmallVector<Value> carried;
  for (auto [init, arg] :
       llvm::zip_equal(original.getInits(), original.getRegionIterArgs())) {
    carried.push_back(addSlot(arg));
    stores.push_back({init, carried.back()});
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
      stores.push_back({value, slot});
    emitTurns();
  }
  for (auto [result, slot] : llvm::zip_equal(original.getResults(), carried))
    slotOf[result] = slot;
}

void Interleaving::emit(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (auto inner = dyn_cast<affine::AffineForOp>(op)) {
      emitLoop(inner);
      continue;
    }
    if (!isOfTile(&op)) {
      if (!isMemoryEffectFree(&op))
        emitTurns();
      b.clone(op, shared);
      continue;
    }
    turns.push_back(&op);
    // The code for one tile reads and prefetches a few lines, in ascending
    // order, between its lookups.
    if (isa<LookupCodesOp>(op) &&
        std::any_of(std::next(op.getIterator()), block.end(),
                    [](Operation &other) { return isa<LookupCodesOp>(other); }))
      emitTurns();
  }
}

void Interleaving::run(DenseMap<Type, SmallVector<Value>> &slots) {
  this->slots = &slots;
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value tiles = arith::ConstantIndexOp::create(b, ranges.back().end);
  Value thread = ThreadOp::create(b, team), threads;
  threads = NumThreadsOp::create(b, team);
  auto bound = [&](Value number) -> Value {
    return arith::DivUIOp::create(
        b, Value(arith::MulIOp::create(b, number, tiles)), threads);
  };
  begin = bound(thread);
  end = bound(arith::AddIOp::create(b, thread, one));
  AffineExpr tile = b.getAffineSymbolExpr(0);
  for (const Range &range : ranges) {
    rangeEnd = range.end;
    auto superTiles = affine::AffineForOp::create(
        b, begin,
        AffineMap::get(
            0, 1,
            {tile.floorDiv(size), b.getAffineConstantExpr(range.begin / size)},
            b.getContext()),
        end,
        AffineMap::get(
            0, 1,
            {tile.ceilDiv(size),
             b.getAffineConstantExpr(llvm::divideCeil(range.end, size))},
            b.getContext()));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(superTiles.getBody());
    superTile = superTiles.getInductionVar();
    emit(*range.body);
    emitTurns();
  }
  BarrierOp::create(
      b, team, SherryDialect::StepAttrHelper(loop.getContext()).getAttr(loop));
  loop.erase();
}

void InterleaveTilesPass::runOnOperation() {
  func::FuncOp function = getOperation();
  auto *team = llvm::find_if(function.getArguments(), [](Value argument) {
    return isa<TeamType>(argument.getType());
  });
  if (function.isDeclaration() || team == function.args_end())
    return;
  DenseMap<Type, SmallVector<Value>> slots;
  SmallVector<affine::AffineParallelOp> loops;
  function.walk([&](affine::AffineParallelOp loop) { loops.push_back(loop); });
  for (affine::AffineParallelOp loop : loops) {
    SetVector<Operation *> steps;
    loop.walk([&](LookupCodesOp op) { steps.insert(op->getParentOp()); });
    if (steps.empty())
      continue;
    FailureOr<Interleaving> interleaving = Interleaving::get(loop, *team);
    if (failed(interleaving))
      continue;
    // The first step begins with zeros, the last goes on with its sums.
    bool isUnrolled = false;
    for (Operation *op : steps)
      if (auto inner = dyn_cast<affine::AffineForOp>(op);
          inner && inner.hasConstantBounds() &&
          inner.getConstantUpperBound() - inner.getConstantLowerBound() <=
              kMaxSteps * inner.getStepAsInt())
        isUnrolled |= succeeded(affine::loopUnrollFull(inner));
    if (isUnrolled)
      interleaving = Interleaving::get(loop, *team);
    interleaving->run(slots);
    ++numInterleaved;
  }
}
