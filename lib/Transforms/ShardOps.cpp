//===- ShardOps.cpp - How ranks divide each op ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sharder.h"

using namespace mlir;
using namespace sherry;

//===----------------------------------------------------------------------===//
// Weights and caches
//===----------------------------------------------------------------------===//

/// Cuts the weight of `user` to the rows of a rank.
FailureOr<WeightOp> Sharder::cutWeight(Operation *user) {
  auto weight = symbols.lookup<WeightOp>(
      user->getAttrOfType<FlatSymbolRefAttr>("weight").getValue());
  if (weight.getRanks())
    return weight;
  if (weight.getOffset())
    return weight.emitOpError("already has an offset: cut it before");
  SmallVector<int64_t> rows;
  int64_t total = 0;
  for (auto [source, count] :
       llvm::zip_equal(weight.getSources().getAsValueRange<StringAttr>(),
                       weight.getRows())) {
    if (count % ranks != 0 || count / ranks % format::kTileRows != 0)
      return weight.emitOpError("cannot be cut among ")
             << ranks << " ranks: " << source << " has " << count
             << " rows, and a rank needs a multiple of " << format::kTileRows;
    rows.push_back(count / ranks);
    total += count / ranks;
  }
  RankedTensorType type = weight.getTensorType();
  SmallVector<int64_t> shape(type.getShape());
  shape.front() = total;
  Builder b(weight.getContext());
  weight.setRows(rows);
  weight.setRanksAttr(b.getI64IntegerAttr(ranks));
  weight.setTypeAttr(TypeAttr::get(
      RankedTensorType::get(shape, type.getElementType(), type.getEncoding())));
  return weight;
}

/// The rows that the sources of a cut weight had before.
static Pieces wholeRows(WeightOp weight) {
  Pieces result;
  for (int64_t rows : weight.getRows())
    result.push_back(rows * static_cast<int64_t>(*weight.getRanks()));
  return result;
}

FailureOr<KVCacheType> Sharder::cutCache(KVCacheType type) {
  if (type.getKvHeads() % ranks != 0)
    return module.emitError("cannot be cut among ")
           << ranks << " ranks: the model has " << type.getKvHeads()
           << " heads of keys and values, which ranks cannot share equally";
  return KVCacheType::get(type.getContext(), type.getLayers(),
                          type.getKvHeads() / ranks, type.getHeadDim(),
                          type.getElementType(), type.getMaxContext());
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Each rank looks up a row of its own; only the owner's row counts.
LogicalResult Sharder::cut(EmbeddingOp op) {
  FailureOr<WeightOp> weight = cutWeight(op);
  if (failed(weight))
    return failure();
  OpBuilder b(op);
  b.setInsertionPointAfter(op);
  RankedTensorType type = op.getType();
  int64_t columns = type.getDimSize(1);
  if (columns % ranks != 0)
    return op.emitOpError("cannot be cut among ")
           << ranks << " ranks: rows have " << columns << " columns";
  auto all = AllGatherOp::create(
      b, op.getLoc(),
      RankedTensorType::get({type.getDimSize(0), columns * ranks},
                            type.getElementType()),
      op.getResult());
  ++numGathers;
  auto part = PickOwnedOp::create(b, op.getLoc(), type, all, op.getTokens(),
                                  ranks, weight->getRows().front());
  op.getResult().replaceUsesWithIf(
      part.getResult(), [&](OpOperand &use) { return use.getOwner() != all; });
  setPart(part, {columns});
  return success();
}

LogicalResult Sharder::cut(LinearOp op) {
  FailureOr<WeightOp> weight = cutWeight(op);
  if (failed(weight) || failed(gather(op.getInputMutable())))
    return failure();
  Pieces whole = wholeRows(*weight);
  if (op.getResidual() &&
      (!isPart(op.getResidual()) || pieces[op.getResidual()] != whole))
    return op.emitOpError("cannot be cut: it adds to other columns than those "
                          "of a rank");
  setPart(op, std::move(whole));
  return success();
}

/// Blocks that lie within one rank are quantized before the exchange.
LogicalResult Sharder::cut(QuantizeActivationsOp op) {
  if (!isPart(op.getInput()))
    return success();
  QuantizedAttr encoding = op.getEncoding();
  ArrayRef<int64_t> blocks = encoding.getBlocks();
  size_t count = blocks.size() / ranks;
  bool areWhole = !encoding.getPerToken() && !encoding.getTables() &&
                  blocks.size() % ranks == 0 &&
                  pieces[op.getInput()].size() == 1;
  for (size_t i = count; areWhole && i < blocks.size(); ++i)
    areWhole = blocks[i] == blocks[i - count];
  if (!areWhole)
    return gather(op.getInputMutable());
  setPart(op, pieces[op.getInput()]);
  return success();
}

LogicalResult Sharder::cut(RmsNormOp op) {
  if (!isPart(op.getInput()))
    return success();
  int64_t length =
      symbols.lookup<WeightOp>(op.getWeight()).getTensorType().getDimSize(0);
  for (int64_t piece : pieces[op.getInput()])
    if (piece / ranks % length != 0) {
      // The norm is of the whole row, not of heads.
      if (failed(gather(op.getInputMutable())))
        return failure();
      op.getResult().setType(cast<RankedTensorType>(op.getInput().getType()));
      return success();
    }
  return cutAlike(op);
}

LogicalResult Sharder::cut(AddBiasOp op) {
  if (!isPart(op.getInput()))
    return success();
  FailureOr<WeightOp> weight = cutWeight(op);
  if (failed(weight))
    return failure();
  if (wholeRows(*weight) != pieces[op.getInput()])
    return op.emitOpError("cannot be cut: its weight is not one of the columns "
                          "of a matrix");
  return cutAlike(op);
}

LogicalResult Sharder::cut(RopeOp op) {
  if (!isPart(op.getInput()))
    return success();
  int64_t head = op.getTable().getType().getDimSize(1);
  for (int64_t piece : pieces[op.getInput()])
    if (piece / ranks % head != 0)
      return op.emitOpError("cannot be cut: a rank has parts of heads");
  return cutAlike(op);
}

/// Accepts slices that are the columns of whole matrices.
LogicalResult Sharder::cut(tensor::ExtractSliceOp op) {
  if (!isPart(op.getSource()))
    return success();
  auto problem = [&] {
    return op.emitOpError("cannot be cut: it takes columns other than those of "
                          "whole matrices");
  };
  if (op.getSourceType().getRank() != 2 || op.getStaticOffset(0) != 0 ||
      op.isDynamicOffset(1) || op.isDynamicSize(1) || !op.hasUnitStride())
    return problem();
  int64_t begin = op.getStaticOffset(1), end = begin + op.getStaticSize(1);
  Pieces taken;
  int64_t at = 0;
  for (int64_t piece : pieces[op.getSource()]) {
    if (at >= begin && at + piece <= end)
      taken.push_back(piece);
    else if (at < end && at + piece > begin)
      return problem();
    at += piece;
  }
  SmallVector<int64_t> offsets(op.getStaticOffsets()),
      sizes(op.getStaticSizes());
  offsets[1] /= ranks;
  sizes[1] /= ranks;
  op.setStaticOffsets(offsets);
  op.setStaticSizes(sizes);
  setPart(op, std::move(taken));
  return success();
}

LogicalResult Sharder::cut(UpdateCacheOp op) {
  for (Value value : {op.getKeys(), op.getValues()})
    if (!isPart(value) || pieces[value].size() != 1)
      return op.emitOpError("cannot be cut: keys and values are not those of a "
                            "rank's heads");
  return success();
}

LogicalResult Sharder::cut(AttentionOp op) {
  if (!isPart(op.getQuery()) || pieces[op.getQuery()].size() != 1)
    return op.emitOpError("cannot be cut: queries are not those of a rank's "
                          "heads");
  return cutAlike(op);
}

/// For ops whose columns are computed from the same columns of the operands.
LogicalResult Sharder::cutAlike(Operation *op) {
  Value result = op->getResult(0);
  std::optional<Pieces> whole;
  for (Value operand : op->getOperands())
    if (isPart(operand))
      whole = pieces[operand];
  if (!whole)
    return success();
  for (Value operand : op->getOperands())
    if (operand.getType() == result.getType() ||
        (isPart(operand) && pieces[operand] != *whole))
      return op->emitOpError("cannot be cut: it takes whole rows and columns "
                             "of a rank");
  setPart(result, std::move(*whole));
  return success();
}
