//===- X86AVX512Ops.td - Instructions of AVX-512 -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86AVX512OPS
#define SHERRY_DIALECT_X86_X86AVX512OPS

include "sherry/Dialect/X86/X86Base.td"

class AVX512_Op<string instruction, string intrinsic>
    : X86_Op<"avx512." # instruction,
             "\"llvm.x86.avx512." # intrinsic # "\"">;

def AVX512_PermwOp : AVX512_Op<"permw", "permvar.hi.512"> {
  let summary = "look words up in a table of 32";
  let description = [{
    Word i of the result is word n of `table`, where n is the low five bits of
    word i of `indices`. Needs AVX512BW.

    ```mlir
    %r = sherry_x86.avx512.permw %table, %indices
    ```
  }];
  let arguments = (ins X86_V32I16:$table, X86_V32I16:$indices);
  let results = (outs X86_V32I16:$result);
  let assemblyFormat = "$table `,` $indices attr-dict";
}

def AVX512_Permi2dOp : AVX512_Op<"permi2d", "vpermi2var.d.512"> {
  let summary = "look dwords up in a table of 32 in two registers";
  let description = [{
    Dword i of the result is dword n of the 32 dwords of `low` and `high`, where
    n is the low five bits of dword i of `indices`.

    ```mlir
    %r = sherry_x86.avx512.permi2d %low, %indices, %high
    ```
  }];
  let arguments = (ins X86_V16I32:$low, X86_V16I32:$indices, X86_V16I32:$high);
  let results = (outs X86_V16I32:$result);
  let assemblyFormat = "$low `,` $indices `,` $high attr-dict";
}

#endif // SHERRY_DIALECT_X86_X86AVX512OPS
