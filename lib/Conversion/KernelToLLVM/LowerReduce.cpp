//===- LowerReduce.cpp - Trees of additions and maxima --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LowerReduce.h"
#include "VectorBuilder.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sherry;

static Value combine(VectorBuilder &b, ReduceKind kind, Value x, Value y) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  if (kind == ReduceKind::Max)
    return isFloat ? Value(arith::MaxNumFOp::create(b, x, y))
                   : Value(arith::MaxSIOp::create(b, x, y));
  return isFloat ? Value(arith::AddFOp::create(b, x, y))
                 : Value(arith::AddIOp::create(b, x, y));
}

static Value reduce(VectorBuilder &b, ReduceKind kind, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  if (lanes == 1)
    return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
  int64_t half = lanes / 2;
  Value result = reduce(
      b, kind,
      combine(b, kind, b.slice(vector, 0, half), b.slice(vector, half, half)));
  if (lanes % 2 == 0)
    return result;
  Value last =
      vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{lanes - 1});
  return combine(b, kind, result, last);
}

LogicalResult sherry::lowerReduce(ReduceOp op, PatternRewriter &rewriter) {
  VectorBuilder b(op, rewriter);
  rewriter.replaceOp(op, reduce(b, op.getKind(), op.getVector()));
  return success();
}
