//===- Elementwise.cpp - Ops on columns one by one ----------------------===//
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

SmallVector<Value> sherry::forColumns(
    LoopBuilder &b, Value begin, int64_t cols, ValueRange init,
    function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
  SmallVector<Value> carried =
      b.repeat(cols / kLanes, init, [&](Value i, ValueRange values) {
        return body(b.add(begin, b.mul(i, kLanes)), kLanes, values);
      });
  int64_t rest = cols % kLanes;
  if (rest == 0)
    return carried;
  return body(b.add(begin, cols - rest), rest, carried);
}

Value sherry::padLanes(LoopBuilder &b, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getDimSize(0) == kLanes)
    return vector;
  auto wide = b.vec(kLanes, type.getElementType());
  Value zero = isa<FloatType>(type.getElementType()) ? b.splat(wide, 0)
                                                     : b.splatInt(wide, 0);
  return vector::InsertStridedSliceOp::create(
      b, vector, zero, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
}

static Rows emitAddBias(LoopBuilder &b, const Rows &input, WeightRef weight) {
  Rows result = b.allocRows(input.cols, b.getF32Type(), input.count);
  Value bias =
      b.view(b.getWeights(), weight.offset, {input.cols}, b.getF32Type());
  b.parallel(input.count, [&](Value row) {
    forColumns(
        b, b.index(0), input.cols, {},
        [&](Value column, int64_t lanes, ValueRange) {
          auto type = b.vec(lanes, b.getF32Type());
          Value x = b.load(type, input.buffer, {row, column});
          Value y = b.load(type, bias, {column});
          b.store(arith::AddFOp::create(b, x, y), result.buffer, {row, column});
          return SmallVector<Value>();
        });
  });
  return result;
}

static Rows emitAdd(LoopBuilder &b, const Rows &lhs, const Rows &rhs) {
  Rows result = b.allocRows(lhs.cols, b.getF32Type(), lhs.count);
  auto type = b.vec(kLanes, b.getF32Type());
  b.parallelVectors(result, kLanes, [&](Value row, Value column) {
    Value x = b.load(type, lhs.buffer, {row, column});
    Value y = b.load(type, rhs.buffer, {row, column});
    b.store(arith::AddFOp::create(b, x, y), result.buffer, {row, column});
  });
  return result;
}

static Value silu(LoopBuilder &b, Value x) {
  Value exponential =
      math::ExpOp::create(b, Value(arith::NegFOp::create(b, x)));
  Value divisor =
      arith::AddFOp::create(b, exponential, b.splat(x.getType(), 1));
  return arith::DivFOp::create(b, x, divisor);
}

static Value relu2(LoopBuilder &b, Value x) {
  Value zero = b.splat(x.getType(), 0);
  // NaN stays NaN.
  Value isNegative =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, zero);
  Value positive = arith::SelectOp::create(b, isNegative, zero, x);
  return arith::MulFOp::create(b, positive, positive);
}

Value sherry::applyGate(LoopBuilder &b, Activation activation, Value gate,
                        Value up) {
  Value factor =
      activation == Activation::Relu2 ? relu2(b, gate) : silu(b, gate);
  return arith::MulFOp::create(b, factor, up);
}

static Rows emitSwiGLU(LoopBuilder &b, Activation activation, const Rows &gate,
                       const Rows &up) {
  Rows result = b.allocRows(gate.cols, b.getF32Type(), gate.count);
  auto type = b.vec(kLanes, b.getF32Type());
  b.parallelVectors(result, kLanes, [&](Value row, Value column) {
    Value x = b.load(type, gate.buffer, {row, column});
    Value y = b.load(type, up.buffer, {row, column});
    b.store(applyGate(b, activation, x, y), result.buffer, {row, column});
  });
  return result;
}

/// Emits sherry.quantize_swiglu.
static QuantizedRows emitQuantizeSwiGLU(LoopBuilder &b, Activation activation,
                                        const Rows &gate, const Rows &up,
                                        RankedTensorType type) {
  return emitQuantize(
      b, type, gate.count, [&](Value row, Value column, int64_t inputs) {
        Rows part = allocBlock(b, inputs);
        Value first = b.index(0);
        forColumns(
            b, first, inputs, {}, [&](Value i, int64_t lanes, ValueRange) {
              auto type = b.vec(lanes, b.getF32Type());
              Value at = b.add(column, i);
              Value x = b.load(type, gate.buffer, {row, at});
              Value y = b.load(type, up.buffer, {row, at});
              b.store(applyGate(b, activation, x, y), part.buffer, {first, i});
              return SmallVector<Value>();
            });
        return RowPart{part, first, first};
      });
}

namespace {
struct AddBiasPattern : GraphOpPattern<AddBiasOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, AddBiasOp op,
                          Adaptor adaptor) const override {
    Rows input(adaptor.getInput(), op.getInput());
    return emitAddBias(b, input, getWeight(b, op, adaptor.getLayer()))
        .getValues();
  }
};
struct AddPattern : GraphOpPattern<arith::AddFOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, arith::AddFOp op,
                          Adaptor adaptor) const override {
    return emitAdd(b, Rows(adaptor.getLhs(), op.getLhs()),
                   Rows(adaptor.getRhs(), op.getRhs()))
        .getValues();
  }
};
struct SwiGLUPattern : GraphOpPattern<SwiGLUOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, SwiGLUOp op,
                          Adaptor adaptor) const override {
    return emitSwiGLU(b, op.getActivation(),
                      Rows(adaptor.getGate(), op.getGate()),
                      Rows(adaptor.getUp(), op.getUp()))
        .getValues();
  }
};

struct QuantizeSwiGLUPattern : GraphOpPattern<QuantizeSwiGLUOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, QuantizeSwiGLUOp op,
                          Adaptor adaptor) const override {
    return emitQuantizeSwiGLU(b, op.getActivation(),
                              Rows(adaptor.getGate(), op.getGate()),
                              Rows(adaptor.getUp(), op.getUp()), op.getType())
        .getValues();
  }
};
} // namespace

void sherry::populateElementwisePatterns(const ActivationTypeConverter &types,
                                         RewritePatternSet &patterns) {
  patterns
      .add<AddBiasPattern, AddPattern, QuantizeSwiGLUPattern, SwiGLUPattern>(
          types);
}
