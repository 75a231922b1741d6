//===- Linear.h - Parts of the linear kernels -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of 32 outputs is computed as two halves of 16 lanes.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_LINEAR_H
#define LIB_CONVERSION_SHERRYTOLOOPS_LINEAR_H

#include "Lowering.h"
#include "Quantize.h"

namespace sherry {

/// Activations as f32 or quantized: exactly one of the two is set.
struct AnyInput {
  const Rows *plain;
  const QuantizedRows *quantized;

  int64_t cols() const { return plain ? plain->cols : quantized->values.cols; }
  mlir::Value count() const {
    return plain ? plain->count : quantized->values.count;
  }
};

/// The destination of the outputs of a linear op.
struct Outputs {
  Rows rows;
  std::optional<Rows> residual; ///< added to the outputs

  void store(LoopBuilder &b, mlir::Value sums, mlir::Value row,
             mlir::Value column) const;
};

/// The halves of a tile, 0 and 1: both in one list, or each in a list of its
/// own if the sums of a block of tokens would not fit in registers.
llvm::SmallVector<llvm::SmallVector<int64_t, 2>>
listHalves(const LoopBuilder &b);

/// A panel is memref<fours x 2 x 64 x i8>: for each four of inputs and each
/// half, 16 lanes of four trits, each stored as the trit plus 1.
///
/// Returns the products of halves of a panel with f32 activations from `column`
/// on.
llvm::SmallVector<mlir::Value> emitPanelF32(LoopBuilder &b, mlir::Value panel,
                                            int64_t groups, bool strided,
                                            const Rows &input, mlir::Value row,
                                            llvm::ArrayRef<int64_t> halves,
                                            mlir::Value column);

/// Uses the sums of a row for 16 outputs (one half).
using RowSumUse =
    llvm::function_ref<void(mlir::Value row, int64_t half, mlir::Value sum)>;

/// Computes the products of halves of a panel with one block of quantized
/// activations, from four `firstGroup` on: the exact integer sums times the
/// block's scale.
void emitPanelI8(LoopBuilder &b, mlir::Value panel, int64_t groups,
                 const QuantizedRows &input, mlir::Value row,
                 llvm::ArrayRef<int64_t> halves, mlir::Value firstGroup,
                 mlir::Value block, RowSumUse use);

/// Emits the product with a ternary weight.
void emitTernary(LoopBuilder &b, const AnyInput &input, WeightRef weight,
                 const Outputs &outputs);
/// Emits sherry.gated_linear: the first half of the outputs are gates of the
/// second half; the products are quantized.
QuantizedRows emitGatedLinear(LoopBuilder &b, const QuantizedRows &input,
                              WeightRef weight, Activation activation,
                              mlir::RankedTensorType result);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_LINEAR_H
