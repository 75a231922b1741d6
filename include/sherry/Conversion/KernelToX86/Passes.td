//===- Passes.td - Kernel ops to x86 instructions ----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_KERNELTOX86_PASSES
#define SHERRY_CONVERSION_KERNELTOX86_PASSES

include "mlir/Pass/PassBase.td"

def LowerKernelToAMX : Pass<"sherry-lower-kernel-amx"> {
  let summary = "kernel ops to AMX instructions";
  let description = [{
    If `llvm.target` has AMX-INT8, `multiply_panel` becomes tdpbssd on AMX tiles
    of 16 x 64 bytes. All AMX tiles have one shape, so they are configured once.
    Later passes lower other ops.
  }];
  let dependentDialects = ["::mlir::amx::AMXDialect",
                           "::mlir::arith::ArithDialect"];
}

def LowerKernelToAVX512 : Pass<"sherry-lower-kernel-avx512"> {
  let summary = "kernel ops to AVX-512 instructions";
  let description = [{
    If `llvm.target` has AVX512BW, `lookup` becomes vpermw and `decode_block`
    vpermi2d. With AVX512VNNI, `dot_accumulate` becomes vpdpbusd. Later passes
    lower other ops.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::x86::X86Dialect"];
}

def LowerKernelToAVX2 : Pass<"sherry-lower-kernel-avx2"> {
  let summary = "kernel ops to AVX2 instructions";
  let description = [{
    If `llvm.target` has AVX2: `decode_block` becomes vpshufb and bit tests,
    `lookup_halves` two vpshufb, `apply_sign` vpsignw, `dot_pairs` vpmaddubsw,
    `add_pairs` vpmaddwd with ones. `dot_accumulate` becomes vpmaddubsw and
    vpmaddwd if its weights are at most 127, because no sum can then saturate;
    else vpmaddwd on the even and the odd bytes. With AVX-VNNI it becomes
    vpdpbusd. `sherry-lower-kernel-generic` lowers other ops.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::x86::X86Dialect"];
}

#endif // SHERRY_CONVERSION_KERNELTOX86_PASSES
