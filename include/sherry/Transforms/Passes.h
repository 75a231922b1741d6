//===- Passes.h - Passes on the graph level -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRANSFORMS_PASSES_H
#define SHERRY_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

#define GEN_PASS_DECL
#include "sherry/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "sherry/Transforms/Passes.h.inc"

} // namespace sherry

#endif // SHERRY_TRANSFORMS_PASSES_H
