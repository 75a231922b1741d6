//===- FloatEmulation.h - Floats on CPUs without F16C or FMA ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_KERNELTOLLVM_FLOATEMULATION_H
#define LIB_CONVERSION_KERNELTOLLVM_FLOATEMULATION_H

#include "mlir/IR/PatternMatch.h"

namespace sherry {

/// Patterns for arith.extf of finite f16 numbers and for arith.truncf to f16,
/// in f32 and integers. The results are those of F16C, except that NaNs lose
/// their payload.
void populateF16Patterns(mlir::RewritePatternSet &patterns);

/// A pattern for math.fma of f32, with one rounding, in f64 without FMA.
void populateFmaPatterns(mlir::RewritePatternSet &patterns);

} // namespace sherry

#endif // LIB_CONVERSION_KERNELTOLLVM_FLOATEMULATION_H
