//===- FloatEmulation.cpp - Floats on CPUs without F16C or FMA ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FloatEmulation.h"
#include "VectorBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sherry;

namespace {
/// Builds operations on the bits of f16 and f32 numbers, which are scalars or
/// vectors like `like`.
class FloatBitsBuilder : public VectorBuilder {
public:
  FloatBitsBuilder(Operation *op, PatternRewriter &rewriter, Type like)
      : VectorBuilder(op, rewriter), like(like) {}

  Type type(Type element) {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? vector.clone(element) : element;
  }
  Value constant(TypedAttr attr) {
    if (auto vector = dyn_cast<VectorType>(type(attr.getType())))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(*this, attr);
  }
  Value bits(int64_t value) { return constant(getI32IntegerAttr(value)); }
  Value as(Type element, Value x) {
    return arith::BitcastOp::create(*this, type(element), x);
  }

private:
  Type like;
};
} // namespace

static bool isConversion(Type from, Type to, bool widens) {
  from = getElementTypeOrSelf(from);
  to = getElementTypeOrSelf(to);
  return widens ? from.isF16() && to.isF32() : from.isF32() && to.isF16();
}

/// Widens finite f16 numbers by integer operations: the bits, moved to their
/// position in an f32, read as a number that is 2^112 times too small, for any
/// exponent; the product with 2^112 is exact. Subnormal numbers must not be
/// flushed, which is the default of every x86 process.
static LogicalResult lowerExtF16(arith::ExtFOp op, PatternRewriter &rewriter) {
  if (!isConversion(op.getIn().getType(), op.getType(), /*widens=*/true))
    return failure();
  FloatBitsBuilder b(op, rewriter, op.getType());
  Value wide = arith::ExtUIOp::create(b, b.type(b.getI32Type()),
                                      b.as(b.getI16Type(), op.getIn()));
  Value magnitude = arith::ShLIOp::create(
      b, Value(arith::AndIOp::create(b, wide, b.bits(0x7fff))), b.bits(13));
  Value sign = arith::ShLIOp::create(
      b, Value(arith::AndIOp::create(b, wide, b.bits(0x8000))), b.bits(16));
  Value scaled = arith::MulFOp::create(b, b.as(b.getF32Type(), magnitude),
                                       b.constant(b.getF32FloatAttr(0x1p112f)));
  Value signedBits =
      arith::OrIOp::create(b, b.as(b.getI32Type(), scaled), sign);
  rewriter.replaceOp(op, b.as(b.getF32Type(), signedBits));
  return success();
}

/// Rounds f32 numbers to the nearest f16, ties to even, by integer operations,
/// as vcvtps2ph does (NaNs lose their payload).
static LogicalResult lowerTruncF16(arith::TruncFOp op,
                                   PatternRewriter &rewriter) {
  if (!isConversion(op.getIn().getType(), op.getType(), /*widens=*/false))
    return failure();
  FloatBitsBuilder b(op, rewriter, op.getType());
  auto isAtLeast = [&](Value x, int64_t limit) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, x,
                                 b.bits(limit));
  };
  auto select = [&](Value condition, Value x, Value y) -> Value {
    return arith::SelectOp::create(b, condition, x, y);
  };
  Value bits = b.as(b.getI32Type(), op.getIn());
  Value magnitude = arith::AndIOp::create(b, bits, b.bits(0x7fffffff));
  // Half a unit of the last remaining bit, less one if this bit is even; and
  // the difference of the exponents' biases.
  Value isOdd = arith::AndIOp::create(
      b, Value(arith::ShRUIOp::create(b, magnitude, b.bits(13))), b.bits(1));
  Value rounded = arith::AddIOp::create(
      b, Value(arith::AddIOp::create(b, magnitude, isOdd)),
      b.bits(0xfff - (int64_t(112) << 23)));
  Value normal = arith::ShRUIOp::create(b, rounded, b.bits(13));
  // A subnormal result is a multiple of 2^-24, the last bit of 0.5.
  Value half = b.constant(b.getF32FloatAttr(0.5f));
  Value aligned =
      arith::AddFOp::create(b, b.as(b.getF32Type(), magnitude), half);
  Value subnormal = arith::SubIOp::create(b, b.as(b.getI32Type(), aligned),
                                          b.as(b.getI32Type(), half));
  Value result = select(isAtLeast(magnitude, 0x38800000), normal, subnormal);
  result = select(isAtLeast(magnitude, 0x477ff000), b.bits(0x7c00), result);
  result = select(isAtLeast(magnitude, 0x7f800001), b.bits(0x7e00), result);
  Value sign = arith::AndIOp::create(
      b, Value(arith::ShRUIOp::create(b, bits, b.bits(16))), b.bits(0x8000));
  Value narrow = arith::TruncIOp::create(
      b, b.type(b.getI16Type()), Value(arith::OrIOp::create(b, result, sign)));
  rewriter.replaceOp(op, b.as(b.getF16Type(), narrow));
  return success();
}

/// The product of two f32 numbers is exact in f64. Its sum with the third is
/// rounded to an odd last digit, so that rounding it again, to f32, has the
/// result of one rounding (Boldo and Melquiond, doi:10.1109/TC.2007.70819).
static LogicalResult lowerFma(math::FmaOp op, PatternRewriter &rewriter) {
  if (!getElementTypeOrSelf(op.getType()).isF32())
    return failure();
  FloatBitsBuilder b(op, rewriter, op.getType());
  auto widen = [&](Value x) -> Value {
    return arith::ExtFOp::create(b, b.type(b.getF64Type()), x);
  };
  auto subtract = [&](Value x, Value y) -> Value {
    return arith::SubFOp::create(b, x, y);
  };
  Value product = arith::MulFOp::create(b, widen(op.getA()), widen(op.getB()));
  Value addend = widen(op.getC());
  Value sum = arith::AddFOp::create(b, product, addend);
  // The rounding error of the sum (Knuth's TwoSum); NaN if it is not finite.
  Value added = subtract(sum, product);
  Value error = arith::AddFOp::create(
      b, subtract(product, subtract(sum, added)), subtract(addend, added));
  Value zero = b.constant(b.getF64FloatAttr(0));
  auto compare = [&](arith::CmpFPredicate predicate, Value x) -> Value {
    return arith::CmpFOp::create(b, predicate, x, zero);
  };
  auto digits = [&](int64_t value) {
    return b.constant(b.getI64IntegerAttr(value));
  };
  Value bits = b.as(b.getI64Type(), sum);
  Value isEven = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq,
      Value(arith::AndIOp::create(b, bits, digits(1))), digits(0));
  Value moves = arith::AndIOp::create(
      b, isEven, compare(arith::CmpFPredicate::ONE, error));
  Value towardsZero =
      arith::XOrIOp::create(b, compare(arith::CmpFPredicate::OGT, error),
                            compare(arith::CmpFPredicate::OGT, sum));
  Value step = arith::SelectOp::create(b, towardsZero, digits(-1), digits(1));
  Value odd = arith::SelectOp::create(
      b, moves, Value(arith::AddIOp::create(b, bits, step)), bits);
  rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(),
                                               b.as(b.getF64Type(), odd));
  return success();
}

void sherry::populateF16Patterns(RewritePatternSet &patterns) {
  patterns.add(lowerExtF16).add(lowerTruncF16);
}

void sherry::populateFmaPatterns(RewritePatternSet &patterns) {
  patterns.add(lowerFma);
}
