//===- X86.td - The dialect of x86 instructions, all of it -*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86
#define SHERRY_DIALECT_X86_X86

include "sherry/Dialect/X86/X86AVX2Ops.td"
include "sherry/Dialect/X86/X86AVX512Ops.td"
include "sherry/Dialect/X86/X86VNNIOps.td"

#endif // SHERRY_DIALECT_X86_X86
