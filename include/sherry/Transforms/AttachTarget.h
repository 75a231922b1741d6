//===- AttachTarget.h - The target as data on a module ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRANSFORMS_ATTACHTARGET_H
#define SHERRY_TRANSFORMS_ATTACHTARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "sherry/Target/TargetModel.h"

namespace sherry {

/// Writes what passes read about the target: `llvm.target`, `sherry.schedule`,
/// and of `sherry.numerics` the rounding: once if the CPU can or
/// `emulatesFma`.
void attachTarget(mlir::ModuleOp module, const TargetModel &target,
                  const Schedule &schedule, bool emulatesFma);

} // namespace sherry

#endif // SHERRY_TRANSFORMS_ATTACHTARGET_H
