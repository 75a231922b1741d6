//===- X86AVX2Ops.td - Instructions of AVX2 ----------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86AVX2OPS
#define SHERRY_DIALECT_X86_X86AVX2OPS

include "sherry/Dialect/X86/X86Base.td"

class AVX2_Op<string instruction, string intrinsic>
    : X86_Op<"avx2." # instruction,
             "\"llvm.x86.avx2." # intrinsic # "\""> {
  let assemblyFormat = "$a `,` $b attr-dict";
}

def AVX2_PshufbOp : AVX2_Op<"pshufb", "pshuf.b"> {
  let summary = "look bytes up in two tables of 16";
  let description = [{
    In each half of 16 bytes, byte i of the result is byte n of `a`, where n is
    the low four bits of byte i of `b`, or 0 if the highest bit of byte i of `b`
    is set.

    ```mlir
    %r = sherry_x86.avx2.pshufb %a, %b
    ```
  }];
  let arguments = (ins X86_V32I8:$a, X86_V32I8:$b);
  let results = (outs X86_V32I8:$result);
}

def AVX2_PsignwOp : AVX2_Op<"psignw", "psign.w"> {
  let summary = "multiply words by the signs of others";
  let description = [{
    Word i of the result is word i of `a`, its negative, or 0, if word i of `b`
    is positive, negative, or 0.

    ```mlir
    %r = sherry_x86.avx2.psignw %a, %b
    ```
  }];
  let arguments = (ins X86_V16I16:$a, X86_V16I16:$b);
  let results = (outs X86_V16I16:$result);
}

def AVX2_PmaddubswOp : AVX2_Op<"pmaddubsw", "pmadd.ub.sw"> {
  let summary = "sums of two products of bytes, saturated";
  let description = [{
    Word i of the result is `a[2i] * b[2i] + a[2i + 1] * b[2i + 1]`, saturated
    to -32768 .. 32767. Bytes of `a` are unsigned, bytes of `b` signed.

    ```mlir
    %r = sherry_x86.avx2.pmaddubsw %a, %b
    ```
  }];
  let arguments = (ins X86_V32I8:$a, X86_V32I8:$b);
  let results = (outs X86_V16I16:$result);
}

def AVX2_PmaddwdOp : AVX2_Op<"pmaddwd", "pmadd.wd"> {
  let summary = "sums of two products of words";
  let description = [{
    Dword i of the result is `a[2i] * b[2i] + a[2i + 1] * b[2i + 1]`. Words are
    signed.

    ```mlir
    %r = sherry_x86.avx2.pmaddwd %a, %b
    ```
  }];
  let arguments = (ins X86_V16I16:$a, X86_V16I16:$b);
  let results = (outs X86_V8I32:$result);
}

#endif // SHERRY_DIALECT_X86_X86AVX2OPS
