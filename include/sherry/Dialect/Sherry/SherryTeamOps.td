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

def Sherry_NumThreadsOp : Sherry_TeamOp<"num_threads", [Pure]> {
  let summary = "size of the team";
  let description = [{
    ```mlir
    %n = sherry.num_threads %team
    ```
  }];
  let results = (outs Index:$result);
}

def Sherry_BarrierOp : Sherry_TeamOp<"barrier"> {
  let summary = "wait for all threads of the team";
  let description = [{
    What any thread wrote before is visible to all after. `step` describes what
    ends here, for profiles: the graph op, and the weight that it reads. `number`
    is its place in `sherry.steps` of the module, which `sherry-apply-abi` makes;
    -1 if nothing ends.

    ```mlir
    sherry.barrier %team {step = {op = "linear", weight = @gate_up}}
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team,
      OptionalAttr<DictionaryAttr>:$step,
      DefaultValuedAttr<ConfinedAttr<I32Attr, [IntMinValue<-1>]>, "-1">:$number);
}

#endif // SHERRY_DIALECT_SHERRY_TEAMOPS
