//===- Elementwise.h - Loops over the columns of rows ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H
#define LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H

#include "LoopBuilder.h"

namespace sherry {

/// Lanes of the vectors of elementwise loops: one register on the widest
/// target, several on others.
inline constexpr int64_t kLanes = 16;

/// Runs `body(column, lanes, carried)` over the columns [begin, begin + cols)
/// in vectors of kLanes lanes and a shorter one for the rest. Carried vectors
/// always have kLanes lanes, also in the last call.
llvm::SmallVector<mlir::Value> forColumns(
    LoopBuilder &b, mlir::Value begin, int64_t cols, mlir::ValueRange init,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, int64_t,
                                                      mlir::ValueRange)>
        body);
/// Widens a vector to kLanes lanes with zeros.
mlir::Value padLanes(LoopBuilder &b, mlir::Value vector);

/// activation(gate) * up, for vectors.
mlir::Value applyGate(LoopBuilder &b, Activation activation, mlir::Value gate,
                      mlir::Value up);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_ELEMENTWISE_H
