//===- FuseRope.cpp - Rotate adjacent heads in one op ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

namespace sherry {
#define GEN_PASS_DEF_FUSEROPE
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The first column of `slice`, if it has all rows of some columns.
static std::optional<int64_t> firstColumn(tensor::ExtractSliceOp slice) {
  ArrayRef<int64_t> offsets = slice.getStaticOffsets();
  if (slice.getType().getRank() != 2 || slice.getSourceType().getRank() != 2 ||
      slice.getType().getDimSize(0) != slice.getSourceType().getDimSize(0) ||
      offsets[0] != 0 || ShapedType::isDynamic(offsets[1]) ||
      !slice.hasUnitStride())
    return std::nullopt;
  return offsets[1];
}

static int64_t widthOf(RopeOp op) { return op.getType().getDimSize(1); }

/// Columns [column, column + width) of `source`, with the rows of `like`.
static Value takeColumns(OpBuilder &b, tensor::ExtractSliceOp like,
                         Value source, int64_t column, int64_t width) {
  SmallVector<OpFoldResult> offsets = like.getMixedOffsets(),
                            sizes = like.getMixedSizes();
  offsets[1] = b.getIndexAttr(column);
  sizes[1] = b.getIndexAttr(width);
  return tensor::ExtractSliceOp::create(b, like.getLoc(), source, offsets,
                                        sizes, like.getMixedStrides());
}

/// Makes one op of `first` and `second` if the columns of the second follow the
/// columns of the first.
static bool fuseRope(RopeOp first, RopeOp second) {
  auto left = first.getInput().getDefiningOp<tensor::ExtractSliceOp>();
  auto right = second.getInput().getDefiningOp<tensor::ExtractSliceOp>();
  if (!left || !right || left.getSource() != right.getSource() ||
      left.getMixedSizes()[0] != right.getMixedSizes()[0] ||
      first.getTable() != second.getTable() ||
      first->getBlock() != second->getBlock())
    return false;
  std::optional<int64_t> begin = firstColumn(left), middle = firstColumn(right);
  int64_t width = widthOf(first), rest = widthOf(second);
  if (!begin || !middle || *begin + width != *middle)
    return false;
  OpBuilder b(first);
  Value columns = takeColumns(b, left, left.getSource(), *begin, width + rest);
  Value rotated =
      RopeOp::create(b, b.getFusedLoc({first.getLoc(), second.getLoc()}),
                     columns.getType(), columns, first.getTable());
  first.replaceAllUsesWith(takeColumns(b, left, rotated, 0, width));
  second.replaceAllUsesWith(takeColumns(b, left, rotated, width, rest));
  first.erase();
  second.erase();
  return true;
}

namespace {
struct FuseRopePass : sherry::impl::FuseRopeBase<FuseRopePass> {
  void runOnOperation() override {
    SmallVector<RopeOp> ops;
    getOperation().walk([&](RopeOp op) { ops.push_back(op); });
    for (size_t i = 0; i + 1 < ops.size(); ++i)
      if (fuseRope(ops[i], ops[i + 1])) {
        ++numFused;
        ++i;
      }
  }
};
} // namespace
