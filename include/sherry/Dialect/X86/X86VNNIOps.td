//===- X86VNNIOps.td - Instructions of AVX-VNNI and AVX512VNNI *- tablegen -*-//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86VNNIOPS
#define SHERRY_DIALECT_X86_X86VNNIOPS

include "sherry/Dialect/X86/X86Base.td"

def VNNI_Bytes : AnyTypeOf<[X86_V32I8, X86_V64I8], "", "::mlir::VectorType">;
def VNNI_Dwords : AnyTypeOf<[X86_V8I32, X86_V16I32], "", "::mlir::VectorType">;

def VNNI_PdpbusdOp : X86_Op<"vnni.pdpbusd",
    "\"llvm.x86.avx512.vpdpbusd.\" + "
    "std::to_string(8 * getA().getType().getNumElements())",
    [AllTypesMatch<["sum", "result"]>, AllTypesMatch<["a", "b"]>,
     TypesMatchWith<"there are four bytes for each lane", "sum", "a",
                    "::mlir::VectorType::get("
                    "{4 * ::llvm::cast<::mlir::VectorType>($_self)"
                    ".getNumElements()}, "
                    "::mlir::IntegerType::get($_self.getContext(), 8))">]> {
  let summary = "add dot products of four bytes";
  let description = [{
    Dword i of the result is dword i of `sum` plus the four products of bytes 4i
    to 4i + 3 of `a`, unsigned, and of `b`, signed. Needs AVX512VNNI, or
    AVX-VNNI for vectors of 256 bits.

    ```mlir
    %r = sherry_x86.vnni.pdpbusd %sum, %a, %b
        : vector<64xi8> -> vector<16xi32>
    ```
  }];
  let arguments = (ins VNNI_Dwords:$sum, VNNI_Bytes:$a, VNNI_Bytes:$b);
  let results = (outs VNNI_Dwords:$result);
  let assemblyFormat =
    "$sum `,` $a `,` $b attr-dict `:` type($a) `->` type($sum)";
}

#endif // SHERRY_DIALECT_X86_X86VNNIOPS
