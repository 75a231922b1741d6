//===- Elementwise.h - Pieces of elementwise ops ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For kernels that do such work along the way.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOKERNEL_ELEMENTWISE_H
#define LIB_CONVERSION_SHERRYTOKERNEL_ELEMENTWISE_H

#include "KernelBuilder.h"

namespace sherry {

/// silu(gate) * up, of vectors.
mlir::Value swiglu(KernelBuilder &b, mlir::Value gate, mlir::Value up);

/// Room for quantized activations in blocks of these sizes.
QuantizedRows allocQuantized(KernelBuilder &b, mlir::Value count, int64_t cols,
                             llvm::ArrayRef<int64_t> blocks);
/// Quantizes `inputs` numbers of a row of `input`, from column `from` on, to
/// block `block` of `result`, which begins at `column`.
void emitQuantizeBlock(KernelBuilder &b, const Rows &input, mlir::Value from,
                       const QuantizedRows &result, bool strided,
                       mlir::Value row, mlir::Value column, mlir::Value block,
                       int64_t inputs);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOKERNEL_ELEMENTWISE_H
