//===- HoistBuffers.cpp - Buffers of iterations to places outside ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

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

/// What a number of iterations cannot exceed: a constant, a number of rows that
/// the function is called with, or a multiple of one.
static FailureOr<int64_t> getBound(Value count, int64_t maxTokens) {
  APInt constant;
  if (matchPattern(count, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  if (auto product = count.getDefiningOp<arith::MulIOp>()) {
    FailureOr<int64_t> lhs = getBound(product.getLhs(), maxTokens),
                       rhs = getBound(product.getRhs(), maxTokens);
    if (failed(lhs) || failed(rhs))
      return failure();
    return *lhs * *rhs;
  }
  if (isa<BlockArgument>(count) && maxTokens > 0)
    return maxTokens;
  return failure();
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
    auto walk = function.walk([&](scf::ParallelOp loop) {
      return WalkResult(hoistStack(loop, slots));
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    walk = function.walk(
        [&](scf::ParallelOp loop) { return WalkResult(hoistHeap(loop)); });
    if (walk.wasInterrupted())
      return signalPassFailure();
  }

private:
  /// To the entry block: a stack slot inside a loop would be a new one each
  /// time round.
  LogicalResult
  hoistStack(scf::ParallelOp loop,
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

  /// Threads have a place each. If there are fewer iterations than threads,
  /// iterations have: so the number of places is known.
  LogicalResult hoistHeap(scf::ParallelOp loop) {
    SmallVector<memref::AllocOp> allocs;
    loop->walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    if (allocs.empty())
      return success();
    func::FuncOp function = getOperation();
    auto maxTokens =
        SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(function);
    Value end = loop.getUpperBound().front();
    FailureOr<int64_t> places =
        getBound(end, maxTokens ? maxTokens.getInt() : 0);
    if (failed(places))
      return loop.emitOpError("allocates memory, and nothing bounds the number "
                              "of its iterations");
    auto *team = llvm::find_if(function.getArguments(), [](Value argument) {
      return isa<TeamType>(argument.getType());
    });
    if (team == function.args_end())
      return loop.emitOpError("allocates memory, and the function has no "
                              "!sherry.team whose threads share it");
    ImplicitLocOpBuilder b(loop.getLoc(),
                           OpBuilder::atBlockBegin(&function.front()));
    auto i8 = b.getI8Type();
    if (!scratch)
      scratch = memref::AllocOp::create(b, MemRefType::get({0}, i8));
    b.setInsertionPointToStart(loop.getBody());
    Value isThreads =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                              Value(NumThreadsOp::create(b, *team)), end);
    Value place =
        arith::SelectOp::create(b, isThreads, ThreadOp::create(b, *team),
                                loop.getInductionVars().front());
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

  memref::AllocOp scratch; ///< of the parallel loops
};
} // namespace
