//===- LowerReduce.h - Reductions on any CPU --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_KERNELTOLLVM_LOWERREDUCE_H
#define LIB_CONVERSION_KERNELTOLLVM_LOWERREDUCE_H

#include "mlir/IR/PatternMatch.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// Lowers `op` for all CPUs.
mlir::LogicalResult lowerReduce(ReduceOp op, mlir::PatternRewriter &rewriter);

} // namespace sherry

#endif // LIB_CONVERSION_KERNELTOLLVM_LOWERREDUCE_H
