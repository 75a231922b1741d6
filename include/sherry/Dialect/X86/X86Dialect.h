//===- X86Dialect.h - The dialect of x86 instructions in C++ ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86DIALECT_H
#define SHERRY_DIALECT_X86_X86DIALECT_H

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

#include "sherry/Dialect/X86/X86Dialect.h.inc"
#define GET_OP_CLASSES
#include "sherry/Dialect/X86/X86Ops.h.inc"

#endif // SHERRY_DIALECT_X86_X86DIALECT_H
