//===- RmsNorm.cpp - Root mean square normalisation ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"
#include "Lowering.h"
#include "Quantize.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

/// The factor of the `size` numbers of a row from `begin` on.
static Value emitInverseRoot(LoopBuilder &b, const Rows &input, double epsilon,
                             Value row, Value begin, int64_t size) {
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
  return arith::DivFOp::create(b, b.f32(1), root);
}

/// Multiplies the `size` numbers of a row from `begin` on with `inverse` and
/// with the numbers of `gain` from `place` on. Writes the products to row
/// `toRow` of `result`, from `to` on.
static void emitScale(LoopBuilder &b, const Rows &input, Value inverse,
                      Value gain, Value row, Value begin, Value place,
                      int64_t size, const Rows &result, Value toRow, Value to) {
  forColumns(b, b.index(0), size, {}, [&](Value i, int64_t lanes, ValueRange) {
    auto type = b.vec(lanes, b.getF32Type());
    Value x = b.load(type, input.buffer, {row, b.add(begin, i)});
    Value w = b.load(type, gain, {b.add(place, i)});
    Value scaled = arith::MulFOp::create(b, x, b.broadcast(lanes, inverse));
    b.store(arith::MulFOp::create(b, scaled, w), result.buffer,
            {toRow, b.add(to, i)});
    return SmallVector<Value>();
  });
}

/// Normalises the `size` numbers of a row from `begin` on.
static void emitNormPart(LoopBuilder &b, const Rows &input, Value gain,
                         double epsilon, const Rows &result, Value row,
                         Value begin, int64_t size) {
  Value inverse = emitInverseRoot(b, input, epsilon, row, begin, size);
  emitScale(b, input, inverse, gain, row, begin, b.index(0), size, result, row,
            begin);
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

/// Emits sherry.quantize_norm for few tokens. Each thread computes it for
/// itself, which is less work than a step.
static QuantizedRows emitQuantizeNorm(LoopBuilder &b, const Rows &input,
                                      WeightRef weight, double epsilon,
                                      RankedTensorType type) {
  Value gain =
      b.view(b.getWeights(), weight.offset, {input.cols}, b.getF32Type());
  auto result =
      QuantizedRows::alloc(b, type, input.count, /*isPerThread=*/true);
  Value inverse, first = b.index(0);
  forBlocksPerThread(
      b, result,
      [&](Value row, Value column, Value block, int64_t inputs) {
        Rows part = allocBlock(b, inputs);
        emitScale(b, input, inverse, gain, row, column, column, inputs, part,
                  first, first);
        emitQuantizeBlock(b, part, first, result, row, column, block, inputs,
                          /*largest=*/{}, /*inputRow=*/first);
      },
      [&](Value row) {
        inverse = emitInverseRoot(b, input, epsilon, row, first, input.cols);
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

struct QuantizeNormPattern : GraphOpPattern<QuantizeNormOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, QuantizeNormOp op,
                          Adaptor adaptor) const override {
    if (!areTokensFew(b))
      return op.emitOpError("is for few tokens");
    return emitQuantizeNorm(b, Rows(adaptor.getInput(), op.getInput()),
                            getWeight(b, op, adaptor.getLayer()),
                            op.getEpsilon().convertToFloat(), op.getType())
        .getValues();
  }
};
} // namespace

void sherry::populateRmsNormPatterns(const ActivationTypeConverter &types,
                                     RewritePatternSet &patterns) {
  patterns.add<RmsNormPattern, QuantizeNormPattern>(types);
}
