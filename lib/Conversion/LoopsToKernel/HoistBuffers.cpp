//===- HoistBuffers.cpp - Hoist buffers out of iterations -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FindTeam.h"
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace sherry {
#define GEN_PASS_DEF_HOISTBUFFERS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Most bytes of one buffer on the stack.
static constexpr int64_t kMaxStackBytes = 1 << 13;

static int64_t getBytes(MemRefType type) {
  return format::roundUp(type.getNumElements() * type.getElementTypeBitWidth() /
                             8,
                         SHERRY_ABI_BUFFER_ALIGNMENT);
}

/// A bound of the number of iterations, which is a constant or a map of numbers
/// of rows, arguments of the function.
static FailureOr<int64_t> getBound(affine::AffineParallelOp loop,
                                   int64_t maxTokens) {
  Builder b(loop.getContext());
  AffineMap map = loop.getUpperBoundsMap();
  bool areRows = llvm::all_of(loop.getUpperBoundsOperands(), [](Value value) {
    return isa<BlockArgument>(value);
  });
  if (!map.isConstant() && (!areRows || maxTokens == 0))
    return failure();
  SmallVector<AffineExpr> most(map.getNumInputs(),
                               b.getAffineConstantExpr(maxTokens));
  AffineExpr bound = map.getResult(0).replaceDimsAndSymbols(
      ArrayRef(most).take_front(map.getNumDims()),
      ArrayRef(most).drop_front(map.getNumDims()));
  auto constant = dyn_cast<AffineConstantExpr>(bound);
  if (!constant)
    return failure();
  return constant.getValue();
}

namespace {
struct HoistBuffersPass : sherry::impl::HoistBuffersBase<HoistBuffersPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    // Loops run one after the other, so they share the stack and the workspace.
    DenseMap<Type, SmallVector<memref::AllocaOp>> slots;
    scratch = nullptr;
    auto walk = function.walk([&](affine::AffineParallelOp loop) {
      return WalkResult(hoistStack(loop, slots));
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    walk = function.walk([&](affine::AffineParallelOp loop) {
      return WalkResult(hoistHeap(loop));
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
  }

private:
  /// Moves stack slots to the entry block: inside a loop, each iteration would
  /// take a new slot.
  LogicalResult
  hoistStack(affine::AffineParallelOp loop,
             DenseMap<Type, SmallVector<memref::AllocaOp>> &slots) {
    SmallVector<memref::AllocaOp> allocs;
    loop->walk([&](memref::AllocaOp alloc) { allocs.push_back(alloc); });
    DenseMap<Type, size_t> used;
    for (memref::AllocaOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape() || getBytes(type) > kMaxStackBytes)
        return alloc.emitOpError("is too large for a small stack: at most ")
               << kMaxStackBytes << " bytes";
      SmallVector<memref::AllocaOp> &ofType = slots[type];
      size_t &next = used[type];
      if (next == ofType.size()) {
        auto b = OpBuilder::atBlockBegin(&getOperation().front());
        ofType.push_back(memref::AllocaOp::create(
            b, alloc.getLoc(), type,
            b.getI64IntegerAttr(SHERRY_ABI_BUFFER_ALIGNMENT)));
      }
      alloc.replaceAllUsesWith(ofType[next++].getResult());
      alloc.erase();
      ++numHoisted;
    }
    return success();
  }

  /// Each thread has a slot. If there are fewer iterations than threads, each
  /// iteration has a slot; so the number of slots is bounded.
  LogicalResult hoistHeap(affine::AffineParallelOp loop) {
    SmallVector<memref::AllocOp> allocs;
    loop->walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    if (allocs.empty())
      return success();
    func::FuncOp function = getOperation();
    auto maxTokens =
        SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(function);
    FailureOr<int64_t> places =
        getBound(loop, maxTokens ? maxTokens.getInt() : 0);
    if (failed(places))
      return loop.emitOpError("allocates memory, and nothing bounds the number "
                              "of its iterations");
    Value team = findTeam(function);
    if (!team)
      return loop.emitOpError("allocates memory, and the function has no "
                              "!sherry.team whose threads share it");
    ImplicitLocOpBuilder b(loop.getLoc(),
                           OpBuilder::atBlockBegin(&function.front()));
    auto i8 = b.getI8Type();
    if (!scratch)
      scratch = memref::AllocOp::create(b, MemRefType::get({0}, i8));
    b.setInsertionPoint(loop);
    Value end =
        affine::expandAffineMap(b, loop.getLoc(), loop.getUpperBoundsMap(),
                                loop.getUpperBoundsOperands())
            ->front();
    b.setInsertionPointToStart(loop.getBody());
    Value isThreads =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                              Value(NumThreadsOp::create(b, team)), end);
    Value place = arith::SelectOp::create(
        b, isThreads, ThreadOp::create(b, team), loop.getIVs().front());
    int64_t begin = 0;
    for (memref::AllocOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape())
        return alloc.emitOpError("only buffers of fixed size can be placed");
      int64_t size = getBytes(type);
      b.setInsertionPoint(alloc);
      Value offset = b.createOrFold<arith::AddIOp>(
          b.createOrFold<arith::MulIOp>(
              place, arith::ConstantIndexOp::create(b, size)),
          arith::ConstantIndexOp::create(b, begin));
      alloc.replaceAllUsesWith(Value(
          memref::ViewOp::create(b, type, scratch, offset, ValueRange())));
      alloc.erase();
      begin += *places * size;
      ++numHoisted;
    }
    if (begin > scratch.getType().getNumElements())
      scratch.getResult().setType(MemRefType::get({begin}, i8));
    return success();
  }

  memref::AllocOp scratch; ///< memory of all parallel loops
};
} // namespace
