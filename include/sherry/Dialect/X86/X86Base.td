//===- X86Base.td - The dialect of x86 instructions --------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_X86_X86BASE
#define SHERRY_DIALECT_X86_X86BASE

include "mlir/Dialect/X86Vector/X86VectorInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def X86_Dialect : Dialect {
  let name = "sherry_x86";
  let cppNamespace = "::sherry::x86";
  let summary = "Instructions of x86 that MLIR has no ops for";
  let description = [{
    Each op is one instruction and one intrinsic of LLVM. The ops implement the
    interface of MLIR's dialect `x86vector`, so `-convert-vector-to-llvm` with
    `enable-x86vector` lowers them. Instructions that `x86vector` or `amx` have
    are not repeated here.
  }];
}

/// A vector of `lanes` integers of type `element`.
class X86_Vector<int lanes, I element>
    : AllOfType<[VectorOfRankAndType<[1], [element]>, VectorOfLength<[lanes]>],
                "vector<" # lanes # "xi" # element.bitwidth # ">",
                "::mlir::VectorType">,
      BuildableType<"::mlir::VectorType::get({" # lanes #
                    "}, $_builder.getIntegerType(" # element.bitwidth # "))">;

def X86_V32I8 : X86_Vector<32, I8>;
def X86_V64I8 : X86_Vector<64, I8>;
def X86_V16I16 : X86_Vector<16, I16>;
def X86_V32I16 : X86_Vector<32, I16>;
def X86_V8I32 : X86_Vector<8, I32>;
def X86_V16I32 : X86_Vector<16, I32>;

/// `intrinsic` is a C++ expression for the name of the intrinsic, a std::string.
class X86_Op<string mnemonic, string intrinsic, list<Trait> traits = []>
    : Op<X86_Dialect, mnemonic,
         !listconcat([Pure, X86IntrinsicOpInterface], traits)> {
  let extraClassDeclaration =
    "std::string getIntrinsicName() { return " # intrinsic # "; }";
}

#endif // SHERRY_DIALECT_X86_X86BASE
