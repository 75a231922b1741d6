//===- X86Dialect.cpp - The dialect of x86 instructions -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/X86/X86Dialect.h"

#include "sherry/Dialect/X86/X86Dialect.cpp.inc"
#define GET_OP_CLASSES
#include "sherry/Dialect/X86/X86Ops.cpp.inc"

void sherry::x86::X86Dialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "sherry/Dialect/X86/X86Ops.cpp.inc"
      >();
}
