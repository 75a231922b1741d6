//===- Example.cpp - A dialect with one op for graphs ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op and its pattern are all that a project writes: the stages of the
// compiler find the pattern through the dialect's interface.
//
//===----------------------------------------------------------------------===//
#include "Example.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "sherry/Conversion/SherryToLoops.h"

using namespace mlir;
using namespace example;

#include "ExampleDialect.cpp.inc"
#define GET_OP_CLASSES
#include "Example.cpp.inc"

namespace {
/// Rows are divided among the threads; columns are taken 16 at a time, which
/// buffers have room for.
struct ClampPattern : OpConversionPattern<ClampOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ClampOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value input = adaptor.getInput()[0], rows = adaptor.getInput()[1];
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getResult(), types)))
      return failure();
    constexpr int64_t kLanes = 16;
    auto vector = VectorType::get(kLanes, rewriter.getF32Type());
    Location loc = op.getLoc();
    auto splat = [&](APFloat value) -> Value {
      return arith::ConstantOp::create(rewriter, loc,
                                       DenseElementsAttr::get(vector, value));
    };
    Value most = splat(op.getLimit()), least = splat(-op.getLimit());
    Value result =
        memref::AllocOp::create(rewriter, loc, cast<MemRefType>(types[0]));
    auto forRows = affine::AffineParallelOp::create(
        rewriter, loc, TypeRange(), ArrayRef<arith::AtomicRMWKind>(),
        rewriter.getConstantAffineMap(0), ValueRange(),
        rewriter.getSymbolIdentityMap(), rows, ArrayRef<int64_t>{1});
    // What profiles call it.
    forRows->setAttr("sherry.step",
                     rewriter.getDictionaryAttr(rewriter.getNamedAttr(
                         "op", rewriter.getStringAttr("clamp"))));
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(forRows.getBody());
    auto forColumns = affine::AffineForOp::create(
        rewriter, loc, 0, op.getType().getDimSize(1), kLanes);
    rewriter.setInsertionPointToStart(forColumns.getBody());
    SmallVector<Value> at{forRows.getIVs().front(),
                          forColumns.getInductionVar()};
    Value x =
        affine::AffineVectorLoadOp::create(rewriter, loc, vector, input, at);
    x = arith::MinimumFOp::create(rewriter, loc, x, most);
    x = arith::MaximumFOp::create(rewriter, loc, x, least);
    affine::AffineVectorStoreOp::create(rewriter, loc, x, result, at);
    rewriter.replaceOpWithMultiple(
        op, SmallVector<SmallVector<Value>>{{result, rows}});
    return success();
  }
};

struct LowerToLoops : sherry::ConvertToLoopsPatternInterface {
  using ConvertToLoopsPatternInterface::ConvertToLoopsPatternInterface;

  void populateConvertToLoopsPatterns(
      const sherry::ActivationTypeConverter &typeConverter,
      RewritePatternSet &patterns) const override {
    patterns.add<ClampPattern>(typeConverter, patterns.getContext());
  }
};
} // namespace

void ExampleDialect::initialize() {
  addInterfaces<LowerToLoops>();
  addOperations<
#define GET_OP_LIST
#include "Example.cpp.inc"
      >();
}
