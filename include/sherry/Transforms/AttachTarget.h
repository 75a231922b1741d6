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

/// Writes the attributes of the target that passes read: `llvm.target`,
/// `sherry.schedule`, and `fuse_mul_add` of `sherry.numerics`, which is true if
/// the CPU has FMA or with `emulatesFma`.
void attachTarget(mlir::ModuleOp module, const TargetModel &target,
                  const Schedule &schedule, bool emulatesFma);

} // namespace sherry

#endif // SHERRY_TRANSFORMS_ATTACHTARGET_H
