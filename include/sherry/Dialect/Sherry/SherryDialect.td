//===- SherryDialect.td - The sherry dialect ---------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_DIALECT
#define SHERRY_DIALECT_SHERRY_DIALECT

include "mlir/IR/DialectBase.td"

def Sherry_Dialect : Dialect {
  let name = "sherry";
  let cppNamespace = "::sherry";
  let summary = "Language models with 3:4-sparse ternary weights";
  let description = [{
    Models a LLaMA-family network whose linear layers hold ternary weights of
    which exactly one in four is zero (Sherry, arXiv 2601.07892), and the pieces
    of x86 code that such weights need.

    Three families of ops:

    * *graph ops* work on tensors; one op is one step of the network. Weights
      are symbols (`sherry.weight`): their bytes never enter the IR.
    * *kernel ops* work on vectors and carry the semantics of codes: decode a
      block, build a table of partial sums, look codes up in it,
      multiply bytes. Each has a target-independent lowering, and a lowering to
      instructions where a CPU has them.
    * *team ops* divide the work among the threads of one forward call.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  // Passes leave these for later ones.
  let discardableAttrs = (ins
      // Of a module.
      "::sherry::ScheduleAttr":$schedule,
      "::sherry::NumericsAttr":$numerics,
      "::mlir::StringAttr":$stage,           // that it is after
      "::mlir::TypeAttr":$cache,             // the type of the cache
      "::mlir::IntegerAttr":$ranks,          // that it is cut among
      "::mlir::IntegerAttr":$weights_size,   // bytes of the weights section
      "::mlir::IntegerAttr":$workspace_size, // bytes
      "::mlir::ArrayAttr":$steps,            // what they do
      // Of a function: most tokens of a call.
      "::mlir::IntegerAttr":$max_tokens,
      // Of an affine.parallel: what a profile calls it, and whether its last
      // iterations go to the threads that are free.
      "::mlir::DictionaryAttr":$step,
      "::mlir::UnitAttr":$on_demand);
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // SHERRY_DIALECT_SHERRY_DIALECT
