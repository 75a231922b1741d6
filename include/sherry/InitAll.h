//===- InitAll.h - Everything a sherry tool registers -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_INITALL_H
#define SHERRY_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace sherry {

/// The sherry dialect and the upstream dialects that its pipelines use.
void registerAllDialects(mlir::DialectRegistry &registry);

/// All passes and pipelines of the project, and the upstream passes that the
/// pipelines use.
void registerAllPasses();

} // namespace sherry

#endif // SHERRY_INITALL_H
