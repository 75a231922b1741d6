//===- Elementwise.h - Loops over the columns of rows ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H
#define LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H

#include "LoopBuilder.h"

namespace sherry {

/// Lanes of the vectors that elementwise loops work on: one register of the
/// widest target, several of the others.
inline constexpr int64_t kLanes = 16;

/// Runs `body(column, lanes, carried)` over the columns [begin, begin + cols)
/// in vectors of kLanes and a shorter one for what is left. Carried values may
/// have as many lanes as kLanes only; the last call gets them unchanged.
llvm::SmallVector<mlir::Value> forColumns(
    LoopBuilder &b, mlir::Value begin, int64_t cols, mlir::ValueRange init,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, int64_t,
                                                      mlir::ValueRange)>
        body);
/// Widens a vector to kLanes lanes with zeros.
mlir::Value padLanes(LoopBuilder &b, mlir::Value vector);

/// activation(gate) * up, of vectors.
mlir::Value applyGate(LoopBuilder &b, Activation activation, mlir::Value gate,
                      mlir::Value up);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H
