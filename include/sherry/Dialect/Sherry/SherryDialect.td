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
    Models networks of the LLaMA family whose linear layers have ternary weights
    (for example Sherry's, of which exactly one in four is zero: arXiv
    2601.07892), and the vector code that computes with these weights.

    Families of ops:

    * *graph ops* work on tensors; one op is one step of the network. Weights
      are symbols (`sherry.weight`): their bytes never enter the IR.
    * *kernel ops* work on vectors and define the meaning of codes: unpack
      codes, build a table of partial sums, look codes up in a table, multiply
      bytes. Each has a target-independent lowering, and lowerings to the
      instructions of CPUs that have suitable ones.
    * *team ops* divide the work among the threads of one forward call.
    * *rank ops* exchange data between the processes that run a model together.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  // Passes leave these attributes for later passes.
  let discardableAttrs = (ins
      // On a module.
      "::sherry::ScheduleAttr":$schedule,
      "::sherry::NumericsAttr":$numerics,
      "::mlir::StringAttr":$stage,           // last completed
      "::mlir::TypeAttr":$cache,             // the type of the cache
      "::mlir::IntegerAttr":$ranks,          // number of ranks
      "::mlir::IntegerAttr":$weights_size,   // bytes of the weights section
      "::mlir::IntegerAttr":$workspace_size, // bytes that threads share
      "::mlir::IntegerAttr":$thread_workspace_size, // bytes of each thread
      "::mlir::ArrayAttr":$steps,            // their descriptions
      // On a function: most tokens of a call.
      "::mlir::IntegerAttr":$max_tokens,
      // On an affine.parallel: its description in profiles, and whether free
      // threads take its last iterations.
      "::mlir::DictionaryAttr":$step,
      "::mlir::UnitAttr":$on_demand,
      // On a memref.alloc outside of steps: each thread has its own buffer.
      "::mlir::UnitAttr":$per_thread);
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // SHERRY_DIALECT_SHERRY_DIALECT
