//===- SherryTeamOps.td - Threads of a forward call --------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_TEAMOPS
#define SHERRY_DIALECT_SHERRY_TEAMOPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "sherry/Dialect/Sherry/SherryTypes.td"

class Sherry_TeamOp<string mnemonic, list<Trait> traits = []>
    : Op<Sherry_Dialect, mnemonic, traits> {
  let arguments = (ins Sherry_TeamType:$team);
  let assemblyFormat = "$team attr-dict";
}

def Sherry_ThreadOp : Sherry_TeamOp<"thread", [Pure]> {
  let summary = "number of the executing thread";
  let description = [{
    ```mlir
    %i = sherry.thread %team
    ```
  }];
  let results = (outs Index:$result);
}

#endif // SHERRY_DIALECT_SHERRY_TEAMOPS
