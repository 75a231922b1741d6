//===- CodesBuilder.h - Vector code on packed codes -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared code of the two parts of sherry-expand-codes, lookups and trits.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_CODESBUILDER_H
#define LIB_CONVERSION_LOOPSTOKERNEL_CODESBUILDER_H

#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sherry {

/// Vector code on the packed bytes of a step.
class CodesBuilder : public mlir::ImplicitLocOpBuilder {
public:
  template <typename Op>
  CodesBuilder(Op op, mlir::Operation *at)
      : ImplicitLocOpBuilder(op.getLoc(), at), bytes(op.getBytes()),
        groups(op.getGroups()), codebook(op.getCodebook().getCodebook()),
        end(bytes.getType().getDimSize(0) -
            (codebook.hasSignApart() ? format::kSignBytes : 0)) {}

  mlir::VectorType vec(int64_t lanes, unsigned bits) {
    return mlir::VectorType::get(lanes, getIntegerType(bits));
  }
  mlir::Value splat(mlir::Value like, int64_t value) {
    auto type = llvm::cast<mlir::VectorType>(like.getType());
    return mlir::arith::ConstantOp::create(
        *this,
        mlir::DenseElementsAttr::get(
            type, llvm::APInt(type.getElementTypeBitWidth(), value,
                              /*isSigned=*/true, /*implicitTrunc=*/true)));
  }
  mlir::Value shiftRight(mlir::Value value, int64_t bits) {
    if (bits == 0)
      return value;
    return mlir::arith::ShRUIOp::create(*this, value, splat(value, bits));
  }
  mlir::Value shiftLeft(mlir::Value value, int64_t bits) {
    if (bits == 0)
      return value;
    return mlir::arith::ShLIOp::create(*this, value, splat(value, bits));
  }
  mlir::Value mask(mlir::Value value, int64_t bits) {
    return mlir::arith::AndIOp::create(*this, value, splat(value, bits));
  }
  mlir::Value join(mlir::Value a, mlir::Value b) {
    return mlir::arith::OrIOp::create(*this, a, b);
  }
  /// Appends `bit` as the lowest bit of `collected`.
  mlir::Value collect(mlir::Value collected, mlir::Value bit) {
    return collected ? join(shiftLeft(collected, 1), bit) : bit;
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return mlir::arith::AddIOp::create(*this, a, b);
  }
  mlir::Value bitcast(mlir::VectorType type, mlir::Value value) {
    return mlir::vector::BitCastOp::create(*this, type, value);
  }

  /// `count` bytes from `begin` on; a separate load if the bytes are a load.
  mlir::Value part(int64_t begin, int64_t count) {
    auto load = bytes.getDefiningOp<mlir::vector::LoadOp>();
    if (!load)
      return mlir::vector::ExtractStridedSliceOp::create(
          *this, bytes, llvm::ArrayRef<int64_t>{begin},
          llvm::ArrayRef<int64_t>{count}, llvm::ArrayRef<int64_t>{1});
    llvm::SmallVector<mlir::Value> at(load.getIndices());
    at.back() = createOrFold<mlir::arith::AddIOp>(
        at.back(), mlir::arith::ConstantIndexOp::create(*this, begin));
    return mlir::vector::LoadOp::create(*this, vec(count, 8), load.getBase(),
                                        at);
  }

  /// The lower bytes of the words of 32 outputs, in the order of nibbles [T7].
  mlir::Value lowBytes(mlir::Value words) {
    words = bitcast(vec(64, 8), words);
    llvm::SmallVector<int64_t> order;
    for (int64_t byte = 0; byte < format::kTileRows; ++byte)
      order.push_back(2 * format::nibbleRow(byte));
    return mlir::vector::ShuffleOp::create(*this, words, words, order);
  }

  mlir::TypedValue<mlir::VectorType> bytes;
  int64_t groups;
  const format::Codebook &codebook;
  int64_t end; ///< end of the vectors of [T6] or [T7]; separate signs follow
};

/// Replaces `op` by one or two lookups for each group.
void expandLookup(LookupCodesOp op);

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_CODESBUILDER_H
