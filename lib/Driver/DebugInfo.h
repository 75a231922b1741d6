//===- DebugInfo.h - From an instruction to its step ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_DRIVER_DEBUGINFO_H
#define SHERRY_LIB_DRIVER_DEBUGINFO_H

#include "mlir/IR/BuiltinOps.h"

namespace sherry {

/// Gives the code of `module`, in the LLVM dialect, locations that become line
/// tables. The code of a step looks like a function that is named by its op and
/// weight, such as "linear down", and inlined into the entry point or its
/// layer; line n of the file "steps" is step n - 1 of the model's description.
/// Replaces the locations of all operations in functions.
void addDebugInfo(mlir::ModuleOp module);

} // namespace sherry

#endif // SHERRY_LIB_DRIVER_DEBUGINFO_H
