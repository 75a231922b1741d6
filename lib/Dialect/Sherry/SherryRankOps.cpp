//===- SherryRankOps.cpp - Verifiers of ops of models among ranks ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/limits.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

using namespace mlir;
using namespace sherry;

LogicalResult AllGatherOp::verify() {
  RankedTensorType input = getInput().getType(), result = getType();
  int64_t columns = input.getDimSize(1);
  if (input.getDimSize(0) != result.getDimSize(0) ||
      result.getDimSize(1) % columns != 0 || getRanks() < 2 ||
      getRanks() > SHERRY_ABI_MAX_RANKS ||
      input.getElementType() != result.getElementType())
    return emitOpError("the columns of 2 to ")
           << SHERRY_ABI_MAX_RANKS << " ranks with " << input << " are not "
           << result;
  QuantizedAttr part = getQuantized(input), whole = getQuantized(result);
  if (!part)
    return success();
  if (part.getPerToken() || part.getTables())
    return emitOpError("cannot gather ")
           << (part.getTables() ? "tables" : "scales of whole tokens");
  SmallVector<int64_t> blocks;
  for (int64_t rank = 0; rank < getRanks(); ++rank)
    llvm::append_range(blocks, part.getBlocks());
  if (whole.getGrouping() != part.getGrouping() || whole.getPerToken() ||
      whole.getBias() != part.getBias() ||
      whole.getBlocks() != ArrayRef<int64_t>(blocks))
    return emitOpError("the blocks or the bias of ")
           << result << " are not those of the ranks";
  return success();
}

LogicalResult PickOwnedOp::verify() {
  auto ranks = static_cast<int64_t>(getRanks());
  if (ranks > SHERRY_ABI_MAX_RANKS)
    return emitOpError("there are at most ")
           << SHERRY_ABI_MAX_RANKS << " ranks, not " << ranks;
  if (getInput().getType().getDimSize(1) !=
      ranks * ranks * getType().getDimSize(1))
    return emitOpError("cannot take ")
           << getType() << " as a rank's part of " << getInput().getType()
           << " from " << ranks << " ranks";
  return success();
}
