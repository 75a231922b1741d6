//===- Example.h - A dialect with one op for graphs -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef EXAMPLES_NEW_OP_EXAMPLE_H
#define EXAMPLES_NEW_OP_EXAMPLE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ExampleDialect.h.inc"
#define GET_OP_CLASSES
#include "Example.h.inc"

#endif // EXAMPLES_NEW_OP_EXAMPLE_H
