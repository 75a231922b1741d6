//===- ApproximateMath.cpp - Math functions without a library -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace sherry {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;

namespace {
/// Sine and cosine of f64 vectors of angles between -2^30 and 2^30: reduction
/// to [-pi/4, pi/4] by a two-part pi/2 (Cody and Waite), then Taylor series
/// whose first dropped term is below 1e-16.
struct SineCosine {
  ImplicitLocOpBuilder &b;
  VectorType type;

  Value constant(double value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }
  Value integer(VectorType ints, int64_t value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(ints, value));
  }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }

  /// sum over i of x^i / ((first + 1) ... (first + 2i)), alternating in sign.
  Value series(Value x, int64_t first, int64_t terms) {
    Value result = constant(1);
    for (int64_t i = terms; i > 0; --i) {
      double n = static_cast<double>(first + 2 * i);
      result =
          add(constant(1), mul(mul(x, constant(-1.0 / (n * (n - 1)))), result));
    }
    return result;
  }

  std::pair<Value, Value> operator()(Value angle) {
    // 1.5 * 2^52 leaves the nearest integer in the low bits.
    constexpr double kMagic = 6755399441055744.0;
    // The first 33 bits of pi/2, so that products with the number of quarter
    // turns are exact, and the rest of pi/2.
    constexpr double kHalfPiHigh = 0x1.921fb544p+0;
    constexpr double kHalfPiLow = 0x1.0b4611a626331p-34;
    Value shifted = add(mul(angle, constant(2 / M_PI)), constant(kMagic));
    Value turns = add(shifted, constant(-kMagic));
    Value r = add(add(angle, mul(turns, constant(-kHalfPiHigh))),
                  mul(turns, constant(-kHalfPiLow)));
    Value square = mul(r, r);
    Value sine = mul(r, series(square, 1, 8));
    Value cosine = series(square, 0, 8);

    VectorType ints = type.clone(b.getI64Type());
    Value quadrant = arith::BitcastOp::create(b, ints, shifted);
    auto hasBit = [&](Value number, int64_t bit) -> Value {
      Value masked = arith::AndIOp::create(b, number, integer(ints, bit));
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked,
                                   integer(ints, 0));
    };
    Value next = arith::AddIOp::create(b, quadrant, integer(ints, 1));
    Value isOdd = hasBit(quadrant, 1);
    auto pick = [&](Value odd, Value even, Value isNegative) -> Value {
      Value value = arith::SelectOp::create(b, isOdd, odd, even);
      return arith::SelectOp::create(
          b, isNegative, Value(arith::NegFOp::create(b, value)), value);
    };
    return {pick(cosine, sine, hasBit(quadrant, 2)),
            pick(sine, cosine, hasBit(next, 2))};
  }
};
} // namespace

static LogicalResult lowerSincos(math::SincosOp op, PatternRewriter &rewriter) {
  auto type = dyn_cast<VectorType>(op.getOperand().getType());
  if (!type || !type.getElementType().isF64())
    return failure();
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  auto [sine, cosine] = SineCosine{b, type}(op.getOperand());
  rewriter.replaceOp(op, {sine, cosine});
  return success();
}

namespace {
struct ApproximateMathPass
    : sherry::impl::ApproximateMathBase<ApproximateMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpOp::getOperationName();
    });
    patterns.add(lowerSincos);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
