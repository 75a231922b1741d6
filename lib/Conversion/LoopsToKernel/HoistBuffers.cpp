//===- HoistBuffers.cpp - Hoist buffers out of iterations -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

namespace {
struct HoistBuffersPass : sherry::impl::HoistBuffersBase<HoistBuffersPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    // Loops run one after the other, so they share the stack.
    DenseMap<Type, SmallVector<memref::AllocaOp>> slots;
    auto walk = function.walk([&](affine::AffineParallelOp loop) {
      return WalkResult(hoist(loop, slots));
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
  }

private:
  /// Moves stack slots to the entry block: inside a loop, each iteration would
  /// take a new slot.
  LogicalResult hoist(affine::AffineParallelOp loop,
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
};
} // namespace
