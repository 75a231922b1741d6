//===- Shard.cpp - Models cut among ranks ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sharder.h"
#include "sherry-abi/limits.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

namespace sherry {
#define GEN_PASS_DEF_SHARD
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

static QuantizedAttr withBlocks(QuantizedAttr encoding,
                                ArrayRef<int64_t> blocks) {
  return QuantizedAttr::get(encoding.getContext(), encoding.getGrouping(),
                            encoding.getPerToken(), blocks, encoding.getBias(),
                            encoding.getTables(), encoding.getCodebook());
}

void Sharder::setPart(Value value, Pieces whole) {
  int64_t columns = 0;
  for (int64_t piece : whole)
    columns += piece;
  auto type = cast<RankedTensorType>(value.getType());
  Attribute encoding = type.getEncoding();
  if (QuantizedAttr quantized = getQuantized(type))
    encoding = withBlocks(quantized, quantized.getBlocks().take_front(
                                         quantized.getBlocks().size() / ranks));
  value.setType(RankedTensorType::get({type.getDimSize(0), columns / ranks},
                                      type.getElementType(), encoding));
  pieces[value] = std::move(whole);
}

LogicalResult Sharder::gather(OpOperand &operand) {
  Value part = operand.get();
  if (!isPart(part))
    return success();
  if (pieces[part].size() != 1)
    return operand.getOwner()->emitOpError(
        "needs columns of several matrices, which a gather gives out of order");
  Value &whole = gathered[part];
  if (!whole) {
    auto type = cast<RankedTensorType>(part.getType());
    Attribute encoding = type.getEncoding();
    if (QuantizedAttr quantized = getQuantized(type)) {
      SmallVector<int64_t> blocks;
      for (int64_t rank = 0; rank < ranks; ++rank)
        llvm::append_range(blocks, quantized.getBlocks());
      encoding = withBlocks(quantized, blocks);
    }
    OpBuilder b(part.getContext());
    b.setInsertionPointAfterValue(part);
    whole = AllGatherOp::create(
        b, operand.getOwner()->getLoc(),
        RankedTensorType::get({type.getDimSize(0), pieces[part].front()},
                              type.getElementType(), encoding),
        part);
    ++numGathers;
  }
  operand.set(whole);
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LogicalResult Sharder::cut(scf::ForOp op) {
  for (auto [init, argument] :
       llvm::zip_equal(op.getInitArgs(), op.getRegionIterArgs()))
    if (isPart(init))
      setPart(argument, pieces[init]);
  if (failed(visit(*op.getBody())))
    return failure();
  Operation *yield = op.getBody()->getTerminator();
  for (auto [carried, argument, result] : llvm::zip_equal(
           yield->getOpOperands(), op.getRegionIterArgs(), op.getResults())) {
    if (!isPart(argument) && failed(gather(carried)))
      return failure();
    if (!isPart(argument))
      continue;
    if (!isPart(carried.get()) || pieces[carried.get()] != pieces[argument])
      return op.emitOpError("cannot be cut: it carries the columns of a rank "
                            "in some rounds only");
    setPart(result, pieces[argument]);
  }
  return success();
}

LogicalResult Sharder::cut(func::CallOp op) {
  auto callee = symbols.lookup<func::FuncOp>(op.getCallee());
  if (!callee || callee.isDeclaration())
    return op.emitOpError("cannot be cut: the function is not defined here");
  SmallVector<Pieces> parts;
  for (Value operand : op.getOperands())
    parts.push_back(pieces.lookup(operand));
  auto [known, isNew] = visited.try_emplace(callee, parts);
  if (!isNew && known->second != parts)
    return op.emitOpError("cannot be cut: other calls of the function pass "
                          "whole rows, or other columns");
  if (isNew) {
    for (auto [operand, argument] :
         llvm::zip_equal(op.getOperands(), callee.getArguments()))
      if (isPart(operand))
        setPart(argument, pieces[operand]);
    if (failed(visit(callee)))
      return failure();
  }
  Operation *end = callee.getBody().front().getTerminator();
  for (auto [returned, result] :
       llvm::zip_equal(end->getOperands(), op.getResults()))
    if (isPart(returned))
      setPart(result, pieces[returned]);
  return success();
}

/// The results of the model are whole.
LogicalResult Sharder::cut(func::ReturnOp op) {
  if (op->getParentOfType<func::FuncOp>().isPublic())
    for (OpOperand &operand : op->getOpOperands())
      if (failed(gather(operand)))
        return failure();
  return success();
}

LogicalResult Sharder::visit(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<EmbeddingOp, LinearOp, QuantizeActivationsOp, RmsNormOp, AddBiasOp,
            RopeOp, tensor::ExtractSliceOp, UpdateCacheOp, AttentionOp,
            scf::ForOp, func::CallOp, func::ReturnOp>(
          [&](auto typed) { return cut(typed); })
      .Case<SwiGLUOp, LastTokensOp, arith::AddFOp>(
          [&](auto typed) { return cutAlike(typed); })
      .Case<tensor::DimOp, scf::YieldOp>([](auto) { return success(); })
      .Default([&](Operation *other) -> LogicalResult {
        if (llvm::any_of(other->getOperands(),
                         [&](Value value) { return isPart(value); }))
          return other->emitOpError("has no rule by which ranks divide it");
        return success();
      });
}

LogicalResult Sharder::visit(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (failed(visit(&op)))
      return failure();
  return success();
}

LogicalResult Sharder::visit(func::FuncOp function) {
  Block &body = function.getBody().front();
  for (BlockArgument argument : body.getArguments())
    if (auto cache = dyn_cast<KVCacheType>(argument.getType())) {
      FailureOr<KVCacheType> part = cutCache(cache);
      if (failed(part))
        return failure();
      argument.setType(*part);
    }
  if (failed(visit(body)))
    return failure();
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
  return success();
}

LogicalResult Sharder::run() {
  for (auto weight : module.getOps<WeightOp>())
    if (weight.getRanks())
      return weight.emitOpError("is cut already");
  if (KVCacheType cache = getCache(module)) {
    FailureOr<KVCacheType> part = cutCache(cache);
    if (failed(part))
      return failure();
    SherryDialect::CacheAttrHelper(module.getContext())
        .setAttr(module, TypeAttr::get(*part));
  }
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isDeclaration() &&
        failed(visit(function)))
      return failure();
  return success();
}

namespace {
struct ShardPass : sherry::impl::ShardBase<ShardPass> {
  using ShardBase::ShardBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SherryDialect::RanksAttrHelper attribute(&getContext());
    int64_t wanted = ranks ? static_cast<int64_t>(ranks) : getRanks(module);
    if (wanted == 1)
      return attribute.removeAttr(module);
    if (wanted < 1 || wanted > SHERRY_ABI_MAX_RANKS) {
      module.emitError("cannot be cut among ")
          << wanted << " ranks: from 1 to " << SHERRY_ABI_MAX_RANKS
          << " are possible";
      return signalPassFailure();
    }
    attribute.setAttr(module, Builder(&getContext()).getI64IntegerAttr(wanted));
    Sharder sharder(module, wanted);
    if (failed(sharder.run()))
      return signalPassFailure();
    numGathers += sharder.numGathers;
  }
};
} // namespace
