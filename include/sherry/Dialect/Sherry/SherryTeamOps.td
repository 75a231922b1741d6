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

def Sherry_ThreadOp : Op<Sherry_Dialect, "thread", [Pure]> {
  let summary = "number of the executing thread";
  let description = [{
    ```mlir
    %i = sherry.thread %team
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team);
  let results = (outs Index:$result);
  let assemblyFormat = "$team attr-dict";
}

#endif // SHERRY_DIALECT_SHERRY_TEAMOPS
