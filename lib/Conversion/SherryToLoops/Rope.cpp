//===- Rope.cpp - Rotary position embedding -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Attention.h"
#include "Lowering.h"
#include "sherry/Support/RopeScaling.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

/// Frequencies of the head_dim / 2 pairs.
static SmallVector<float> computeFrequencies(RopeTableOp op, int64_t headDim) {
  SmallVector<float> result;
  double theta = op.getTheta().convertToDouble();
  std::optional<ArrayRef<double>> divisors = op.getDivisors();
  for (int64_t i = 0; i < headDim / 2; ++i) {
    double frequency = std::pow(theta, -2.0 * i / headDim);
    if (divisors)
      frequency /= (*divisors)[i];
    if (RopeScalingAttr scaling = op.getScalingAttr())
      frequency = stretchRopeFrequency(
          frequency, scaling.getFactor().getValueAsDouble(),
          scaling.getLowFreqFactor().getValueAsDouble(),
          scaling.getHighFreqFactor().getValueAsDouble(),
          static_cast<double>(scaling.getOriginalContext()));
    result.push_back(static_cast<float>(frequency));
  }
  return result;
}

namespace {
/// The frequencies as a constant: a vector, or memory for heads that need a
/// loop.
class Frequencies {
public:
  Frequencies(LoopBuilder &b, ArrayRef<float> values) : b(b), values(values) {
    auto size = static_cast<int64_t>(values.size());
    if (size <= b.kMostHeadLanes / 2)
      return;
    auto type = RankedTensorType::get({size}, b.getF32Type());
    memory =
        b.constantMemory("frequencies", DenseElementsAttr::get(type, values));
  }

  Value load(Value column, VectorType type) {
    if (memory)
      return b.load(type, memory, column);
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<float>(values)));
  }

private:
  LoopBuilder &b;
  SmallVector<float> values;
  Value memory;
};
} // namespace

static Rows emitRopeTable(LoopBuilder &b, RopeTableOp op,
                          const Rows &positions) {
  int64_t headDim = op.getType().getDimSize(1), half = headDim / 2;
  Rows result = b.allocRows(headDim, b.getF32Type(), positions.count);
  Frequencies frequencies(b, computeFrequencies(op, headDim));
  std::optional<APFloat> magnitude = op.getMagnitude();
  b.parallel(positions.count, [&](Value row) {
    Value at = arith::SIToFPOp::create(b, b.getF32Type(),
                                       b.loadScalar(positions.buffer, row));
    b.forHalfHeadColumns(half, [&](Value column, int64_t lanes) {
      auto narrow = b.vec(lanes, b.getF32Type());
      auto wide = b.vec(lanes, b.getF64Type());
      Value angle = arith::MulFOp::create(b, frequencies.load(column, narrow),
                                          b.broadcast(lanes, at));
      auto both =
          math::SincosOp::create(b, arith::ExtFOp::create(b, wide, angle));
      Value sine = both.getSin(), cosine = both.getCos();
      if (magnitude)
        for (Value *value : {&sine, &cosine})
          *value = arith::MulFOp::create(
              b, *value, b.splat(wide, magnitude->convertToDouble()));
      b.store(arith::TruncFOp::create(b, narrow, cosine), result.buffer,
              {row, column});
      b.store(arith::TruncFOp::create(b, narrow, sine), result.buffer,
              {row, b.add(column, half)});
    });
  });
  return result;
}

void sherry::emitRotation(LoopBuilder &b, const Rows &input, const Rows &table,
                          const Rows &result, Value row, Value head) {
  int64_t headDim = table.cols, half = headDim / 2;
  b.forHalfHeadColumns(half, [&](Value column, int64_t lanes) {
    auto type = b.vec(lanes, b.getF32Type());
    Value begin = b.add(b.mul(head, headDim), column);
    Value middle = b.add(begin, half);
    Value cosine = b.load(type, table.buffer, {row, column});
    Value sine = b.load(type, table.buffer, {row, b.add(column, half)});
    Value x = b.load(type, input.buffer, {row, begin});
    Value y = b.load(type, input.buffer, {row, middle});
    auto mul = [&](Value p, Value q) -> Value {
      return arith::MulFOp::create(b, p, q);
    };
    b.store(arith::SubFOp::create(b, mul(x, cosine), mul(y, sine)),
            result.buffer, {row, begin});
    b.store(arith::AddFOp::create(b, mul(y, cosine), mul(x, sine)),
            result.buffer, {row, middle});
  });
}

static Rows emitRope(LoopBuilder &b, const Rows &input, const Rows &table) {
  Rows result = b.allocRows(input.cols, b.getF32Type(), input.count);
  b.parallelUnits(input.count, input.cols / table.cols,
                  [&](Value row, Value head) {
                    emitRotation(b, input, table, result, row, head);
                  });
  return result;
}

namespace {
struct RopeTablePattern : GraphOpPattern<RopeTableOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, RopeTableOp op,
                          Adaptor adaptor) const override {
    return emitRopeTable(b, op, Rows(adaptor.getPositions(), op.getPositions()))
        .getValues();
  }
};

struct RopePattern : GraphOpPattern<RopeOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, RopeOp op,
                          Adaptor adaptor) const override {
    return emitRope(b, Rows(adaptor.getInput(), op.getInput()),
                    Rows(adaptor.getTable(), op.getTable()))
        .getValues();
  }
};
} // namespace

void sherry::populateRopePatterns(const ActivationTypeConverter &types,
                                  RewritePatternSet &patterns) {
  patterns.add<RopeTablePattern, RopePattern>(types);
}
