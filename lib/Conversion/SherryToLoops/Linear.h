//===- Linear.h - Parts of the linear kernels -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of 32 outputs is computed as two halves of 16 lanes: sums of a block
// of tokens are listed token by token, low half before high half.
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

/// Where the outputs of a linear op go.
struct Outputs {
  Rows rows;
  std::optional<Rows> residual; ///< is added to them

  void store(LoopBuilder &b, mlir::Value sums, mlir::Value row,
             mlir::Value column) const;
};

/// A panel is memref<groups x 2 x 64 x i8>: for each group of four inputs and
/// each half, 16 lanes of four trits, each stored as the trit plus 1.
///
/// The products of halves of a panel with f32 activations from `column` on.
llvm::SmallVector<mlir::Value> emitPanelF32(LoopBuilder &b, mlir::Value panel,
                                            int64_t groups, bool strided,
                                            const Rows &input, mlir::Value row,
                                            llvm::ArrayRef<int64_t> halves,
                                            mlir::Value column);

/// Takes what 16 outputs (one half) give with a row.
using RowSumUse =
    llvm::function_ref<void(mlir::Value row, int64_t half, mlir::Value sum)>;

/// The products of halves of a panel with one block of quantized activations,
/// from group `firstGroup` on: the exact integer sums times the block's scale.
void emitPanelI8(LoopBuilder &b, mlir::Value panel, int64_t groups,
                 const QuantizedRows &input, mlir::Value row,
                 llvm::ArrayRef<int64_t> halves, mlir::Value firstGroup,
                 mlir::Value block, RowSumUse use);

/// What the sums of each row over a block of activations start with, such that
/// useDots() takes their end: vector<16xi32>. Weights are stored plus `bias`.
llvm::SmallVector<mlir::Value> startDots(LoopBuilder &b, int64_t bias,
                                         const QuantizedRows &input,
                                         llvm::ArrayRef<mlir::Value> rows,
                                         mlir::Value block);
/// Adds the exact products of a group of four inputs: of each half of the
/// outputs, weights of up to `maxWeight` as 64 bytes, with the quantized
/// activations `values` (in blocks) of every row. `sums` are listed as above,
/// each vector<16xi32>.
void addDots(LoopBuilder &b, llvm::ArrayRef<mlir::Value> halves,
             int64_t maxWeight, mlir::Value values,
             llvm::ArrayRef<mlir::Value> rows, mlir::Value group,
             llvm::MutableArrayRef<mlir::Value> sums);
/// The product with a ternary weight.
void emitTernary(LoopBuilder &b, const AnyInput &input, WeightRef weight,
                 const Outputs &outputs);
/// The first half of the outputs are gates, the second what they multiply;
/// their product is quantized to `result`.
QuantizedRows emitGatedLinear(LoopBuilder &b, const QuantizedRows &input,
                              WeightRef weight, Activation activation,
                              mlir::RankedTensorType result);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_LINEAR_H
