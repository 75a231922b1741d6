//===- Passes.h - Kernel ops to x86 instructions ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_KERNELTOX86_PASSES_H
#define SHERRY_CONVERSION_KERNELTOX86_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sherry {

#define GEN_PASS_DECL
#include "sherry/Conversion/KernelToX86/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "sherry/Conversion/KernelToX86/Passes.h.inc"

namespace x86 {

/// Adds the passes that lower kernel ops to x86 instructions, the widest
/// instructions first. Each lowers the ops for which the target has suitable
/// instructions, and leaves the others.
void addKernelLowerings(mlir::OpPassManager &pm);

} // namespace x86
} // namespace sherry

#endif // SHERRY_CONVERSION_KERNELTOX86_PASSES_H
