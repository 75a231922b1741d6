//===- InitAll.h - Everything a sherry tool registers -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_INITALL_H
#define SHERRY_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace sherry {

/// Registers the sherry dialects and the upstream dialects that the pipelines
/// use.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers all passes and pipelines of the project, and the upstream passes
/// that the pipelines use.
void registerAllPasses();

} // namespace sherry

#endif // SHERRY_INITALL_H
