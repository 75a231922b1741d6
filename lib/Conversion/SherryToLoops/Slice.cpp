//===- Slice.cpp - Parts and numbers of rows ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sherry;

/// A view of the rows from `row` on and the columns from `column` on. No code
/// accesses rows beyond the count, so the view may have all rows of a buffer.
static Value takePart(LoopBuilder &b, const Rows &input, OpFoldResult row,
                      int64_t column, int64_t cols) {
  SmallVector<OpFoldResult> offsets{row, b.getIndexAttr(column)};
  SmallVector<OpFoldResult> sizes{
      b.getIndexAttr(getBufferRows(b.getMaxTokens())), b.getIndexAttr(cols)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return memref::SubViewOp::create(b, input.buffer, offsets, sizes, strides);
}

namespace {
struct ColumnsPattern : GraphOpPattern<tensor::ExtractSliceOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, tensor::ExtractSliceOp op,
                          Adaptor adaptor) const override {
    if (getQuantized(op.getSource().getType()))
      return op.emitOpError("cannot take a part of ")
             << op.getSource().getType();
    RankedTensorType type = op.getType();
    if (type.getRank() != 2 || op.getStaticOffsets()[0] != 0 ||
        ShapedType::isDynamic(op.getStaticOffsets()[1]) ||
        type.isDynamicDim(1) ||
        llvm::any_of(op.getStaticStrides(), [](int64_t s) { return s != 1; }))
      return op.emitOpError("can only take whole columns");
    Rows input(adaptor.getSource(), op.getSource());
    return Values{takePart(b, input, b.getIndexAttr(0),
                           op.getStaticOffsets()[1], type.getDimSize(1)),
                  input.count};
  }
};

struct LastTokensPattern : GraphOpPattern<LastTokensOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, LastTokensOp op,
                          Adaptor adaptor) const override {
    Rows input(adaptor.getInput(), op.getInput());
    Value count = adaptor.getCount().front();
    Value skip = b.sub(input.count, count);
    return Values{takePart(b, input, skip, 0, input.cols), count};
  }
};

struct DimPattern : GraphOpPattern<tensor::DimOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &, tensor::DimOp op,
                          Adaptor adaptor) const override {
    if (op.getConstantIndex() != 0)
      return op.emitOpError("only the number of rows can be asked for");
    return Values{adaptor.getSource().back()};
  }
};
} // namespace

void sherry::populateSlicePatterns(const ActivationTypeConverter &types,
                                   RewritePatternSet &patterns) {
  patterns.add<ColumnsPattern, LastTokensPattern, DimPattern>(types);
}
