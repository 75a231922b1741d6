//===- VectorBuilder.h - Vector code of fixed shape -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared code of the lowerings of kernel ops.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_KERNELTOLLVM_VECTORBUILDER_H
#define LIB_CONVERSION_KERNELTOLLVM_VECTORBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

class VectorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  VectorBuilder(mlir::Operation *op, mlir::PatternRewriter &rewriter)
      : ImplicitLocOpBuilder(op->getLoc(), rewriter) {}

  mlir::VectorType vec(int64_t lanes, unsigned bits) {
    return mlir::VectorType::get(lanes, getIntegerType(bits));
  }
  mlir::Value constant(mlir::VectorType type, llvm::ArrayRef<int64_t> values) {
    llvm::SmallVector<llvm::APInt> elements;
    for (int64_t value : values)
      elements.emplace_back(type.getElementTypeBitWidth(), value,
                            /*isSigned=*/true, /*implicitTrunc=*/true);
    return mlir::arith::ConstantOp::create(
        *this, mlir::DenseElementsAttr::get(type, elements));
  }
  mlir::Value splat(mlir::VectorType type, int64_t value) {
    return constant(type, value);
  }
  /// Changes the bias of trits, the first `inputs` of every four bytes, from
  /// `from` to `to`.
  mlir::Value withBias(mlir::Value bytes, int64_t from, int64_t to,
                       int64_t inputs) {
    if (from == to)
      return bytes;
    auto type = llvm::cast<mlir::VectorType>(bytes.getType());
    llvm::SmallVector<int64_t> change;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      change.push_back(i % 4 < inputs ? from - to : 0);
    return mlir::arith::SubIOp::create(*this, bytes, constant(type, change));
  }
  /// Applies the signs of codes to the trits of their entries, without bias.
  mlir::Value applySigns(DecodeBlockOp op, mlir::Value trits) {
    if (!op.getCodebook().getCodebook().hasSignApart())
      return trits;
    // Negative numbers: -x is ~x + 1.
    mlir::VectorType lanes = vec(16, 32);
    mlir::Value sign = mlir::arith::ShRSIOp::create(
        *this,
        mlir::Value(mlir::arith::ShLIOp::create(*this, op.getCodes(),
                                                splat(lanes, 26))),
        splat(lanes, 31));
    sign = cast(vec(64, 8), sign);
    return mlir::arith::SubIOp::create(
        *this, mlir::Value(mlir::arith::XOrIOp::create(*this, trits, sign)),
        sign);
  }
  mlir::Value shiftRight(mlir::Value value, int64_t bits) {
    auto type = mlir::cast<mlir::VectorType>(value.getType());
    return mlir::arith::ShRUIOp::create(*this, value, splat(type, bits));
  }
  mlir::Value mask(mlir::Value value, int64_t bits) {
    auto type = mlir::cast<mlir::VectorType>(value.getType());
    return mlir::arith::AndIOp::create(*this, value, splat(type, bits));
  }
  mlir::Value slice(mlir::Value vector, int64_t begin, int64_t count) {
    return mlir::vector::ExtractStridedSliceOp::create(
        *this, vector, llvm::ArrayRef<int64_t>{begin},
        llvm::ArrayRef<int64_t>{count}, llvm::ArrayRef<int64_t>{1});
  }
  mlir::Value cast(mlir::VectorType type, mlir::Value vector) {
    return mlir::vector::BitCastOp::create(*this, type, vector);
  }
  mlir::Value concat(mlir::Value low, mlir::Value high) {
    int64_t lanes =
        2 * mlir::cast<mlir::VectorType>(low.getType()).getDimSize(0);
    auto order = llvm::to_vector(llvm::seq<int64_t>(lanes));
    return mlir::vector::ShuffleOp::create(*this, low, high, order);
  }
  /// The four bytes `activations` (vector<4xi8>) in each of `lanes` lanes, as
  /// vector<4*lanes x i8>.
  mlir::Value repeatBytes(mlir::Value activations, int64_t lanes) {
    mlir::Value dword = mlir::vector::ExtractOp::create(
        *this, cast(vec(1, 32), activations), llvm::ArrayRef<int64_t>{0});
    return cast(vec(4 * lanes, 8), mlir::vector::BroadcastOp::create(
                                       *this, vec(lanes, 32), dword));
  }
};

} // namespace sherry

#endif // LIB_CONVERSION_KERNELTOLLVM_VECTORBUILDER_H
