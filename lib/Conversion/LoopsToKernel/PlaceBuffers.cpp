//===- PlaceBuffers.cpp - Buffers to places in the workspace --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Format/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

namespace sherry {
#define GEN_PASS_DEF_PLACEBUFFERS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The argument of dynamic size: the workspace.
static BlockArgument findWorkspace(func::FuncOp function) {
  for (BlockArgument arg : function.getArguments())
    if (auto type = dyn_cast<MemRefType>(arg.getType()))
      if (type.getRank() == 1 && type.isDynamicDim(0) &&
          type.getElementType().isInteger(8))
        return arg;
  return nullptr;
}

/// Functions that `function` calls, each after all of its callers.
static LogicalResult visit(func::FuncOp function, SymbolTable &symbols,
                           DenseMap<func::FuncOp, int64_t> &begin,
                           SetVector<func::FuncOp> &path, int64_t at,
                           int64_t &end) {
  if (!path.insert(function))
    return function.emitError("recursion has no bounded workspace");
  int64_t &mine = begin.try_emplace(function, 0).first->second;
  mine = std::max(mine, at);
  int64_t size = mine;
  function.walk([&](memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    if (type.hasStaticShape())
      size += format::roundUp(type.getNumElements() *
                                  type.getElementTypeBitWidth() / 8,
                              SHERRY_ABI_BUFFER_ALIGNMENT);
  });
  end = std::max(end, size);
  SmallVector<func::FuncOp> callees;
  function.walk([&](func::CallOp call) {
    if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
      callees.push_back(callee);
  });
  for (func::FuncOp callee : callees)
    if (failed(visit(callee, symbols, begin, path, size, end)))
      return failure();
  path.pop_back();
  return success();
}

namespace {
struct PlaceBuffersPass : sherry::impl::PlaceBuffersBase<PlaceBuffersPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    DenseMap<func::FuncOp, int64_t> begin;
    int64_t size = 0;
    for (auto function : module.getOps<func::FuncOp>()) {
      SetVector<func::FuncOp> path;
      if (function.isPublic() &&
          failed(visit(function, symbols, begin, path, 0, size)))
        return signalPassFailure();
    }
    // A workspace of no bytes would be a type of no bytes.
    size = std::max<int64_t>(size, SHERRY_ABI_BUFFER_ALIGNMENT);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration() &&
          failed(place(function, begin.lookup(function), size)))
        return signalPassFailure();
    Builder builder(&getContext());
    SherryDialect::WorkspaceSizeAttrHelper(&getContext())
        .setAttr(module, builder.getI64IntegerAttr(size));
  }

  LogicalResult place(func::FuncOp function, int64_t at, int64_t size) {
    BlockArgument workspace = findWorkspace(function);
    SmallVector<memref::AllocOp> allocs;
    function.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    if (!workspace) {
      if (allocs.empty())
        return success();
      return allocs.front().emitOpError("the function has no workspace");
    }
    auto type = MemRefType::get({size}, IntegerType::get(&getContext(), 8));
    workspace.setType(type);
    SmallVector<Type> inputs(function.getArgumentTypes());
    inputs[workspace.getArgNumber()] = type;
    function.setType(
        FunctionType::get(&getContext(), inputs, function.getResultTypes()));
    for (memref::AllocOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape() || !type.getLayout().isIdentity())
        return alloc.emitOpError("only buffers of fixed size can be placed");
      OpBuilder b(alloc);
      Value offset = arith::ConstantIndexOp::create(b, alloc.getLoc(), at);
      Value view = memref::ViewOp::create(b, alloc.getLoc(), type, workspace,
                                          offset, ValueRange());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
      at += format::roundUp(type.getNumElements() *
                                type.getElementTypeBitWidth() / 8,
                            SHERRY_ABI_BUFFER_ALIGNMENT);
    }
    return success();
  }
};
} // namespace
