//===- RmsNorm.cpp - Root mean square normalisation ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"
#include "Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

/// Normalises the `size` numbers of a row from `begin` on.
static void emitNormPart(LoopBuilder &b, const Rows &input, Value gain,
                         double epsilon, const Rows &result, Value row,
                         Value begin, int64_t size) {
  auto wide = b.vec(kLanes, b.getF32Type());
  Value squares =
      forColumns(b, begin, size, {b.splat(wide, 0)},
                 [&](Value column, int64_t lanes,
                     ValueRange carried) -> SmallVector<Value> {
                   Value x = padLanes(b, b.load(b.vec(lanes, b.getF32Type()),
                                                input.buffer, {row, column}));
                   return {b.mulAdd(x, x, carried[0])};
                 })[0];
  Value mean = arith::DivFOp::create(b, b.reduceAdd(squares), b.f32(size));
  Value root = math::SqrtOp::create(
      b, Value(arith::AddFOp::create(b, mean, b.f32(epsilon))));
  Value inverse = arith::DivFOp::create(b, b.f32(1), root);
  forColumns(
      b, b.index(0), size, {}, [&](Value place, int64_t lanes, ValueRange) {
        auto type = b.vec(lanes, b.getF32Type());
        Value column = b.add(begin, place);
        Value x = b.load(type, input.buffer, {row, column});
        Value w = b.load(type, gain, {place});
        Value scaled = arith::MulFOp::create(b, x, b.broadcast(lanes, inverse));
        b.store(arith::MulFOp::create(b, scaled, w), result.buffer,
                {row, column});
        return SmallVector<Value>();
      });
}

static Rows emitRmsNorm(LoopBuilder &b, const Rows &input, WeightRef weight,
                        double epsilon) {
  Rows result = b.allocRows(input.cols, b.getF32Type(), input.count);
  int64_t size = weight.op.getTensorType().getDimSize(0);
  Value gain = b.view(b.getWeights(), weight.offset, {size}, b.getF32Type());
  if (size == input.cols)
    b.parallel(input.count, [&](Value row) {
      emitNormPart(b, input, gain, epsilon, result, row, b.index(0), size);
    });
  else
    b.parallelUnits(input.count, input.cols / size, [&](Value row, Value head) {
      emitNormPart(b, input, gain, epsilon, result, row, b.mul(head, size),
                   size);
    });
  return result;
}

namespace {
struct RmsNormPattern : GraphOpPattern<RmsNormOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, RmsNormOp op,
                          Adaptor adaptor) const override {
    Rows input(adaptor.getInput(), op.getInput());
    return emitRmsNorm(b, input, getWeight(b, op, adaptor.getLayer()),
                       op.getEpsilon().convertToFloat())
        .getValues();
  }
};
} // namespace

void sherry::populateRmsNormPatterns(const ActivationTypeConverter &types,
                                     RewritePatternSet &patterns) {
  patterns.add<RmsNormPattern>(types);
}
