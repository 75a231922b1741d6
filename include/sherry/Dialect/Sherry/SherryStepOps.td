//===- SherryStepOps.td - Steps of a forward call ----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_STEPOPS
#define SHERRY_DIALECT_SHERRY_STEPOPS

include "mlir/IR/OpBase.td"
include "sherry/Dialect/Sherry/SherryFusedOps.td"
include "sherry/Dialect/Sherry/SherryRankOps.td"

def Sherry_StepOp
    : Op<Sherry_Dialect, "step", [AffineScope, SingleBlock, NoTerminator]> {
  let summary = "iterations that the threads of the team divide";
  let description = [{
    The iterations `[0, count)` are divided into ranges `[begin, end)`. A thread
    runs the body once for each range that it takes: once, often or never.
    The op ends when all iterations have ended on all threads; their writes are
    visible after it. All threads execute the same steps with the same counts.

    Ranges begin and end at multiples of `grain`, except at the borders of the
    threads' equal shares. With `grain` 0 each share is one range, because the
    iterations are cheap. `step` describes the work for profiles: the graph op
    and the weight that it reads.

    ```mlir
    sherry.step %team to %n attributes {grain = 8 : i64, step = {op = "rope"}} {
    ^bb0(%begin: index, %end: index):
      ...
    }
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team, Index:$count,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$grain,
      OptionalAttr<DictionaryAttr>:$step);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$team `to` $count attr-dict-with-keyword $body";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$team, "::mlir::Value":$count,
      "int64_t":$grain, "::mlir::DictionaryAttr":$step)>];
  let extraClassDeclaration = [{
    ::mlir::Value getBegin() { return getBody().getArgument(0); }
    ::mlir::Value getEnd() { return getBody().getArgument(1); }
  }];
  let hasRegionVerifier = 1;
}

def Sherry_TakeOp : Op<Sherry_Dialect, "take"> {
  let summary = "take iterations of a step";
  let description = [{
    Takes a range `[begin, end)` of the iterations `[0, count)` that no thread
    has taken yet; the calling thread runs it. An empty range says that all
    iterations have ended. `number` is the index of the step in the module
    attribute `sherry.steps`, or -1 if the step is not described there. `grain`
    is as in `sherry.step`.

    ```mlir
    %begin, %end = sherry.take %team to %n grain 8 number 3
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team, Index:$count,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$grain,
      ConfinedAttr<I32Attr, [IntMinValue<-1>]>:$number);
  let results = (outs Index:$begin, Index:$end);
  let assemblyFormat =
      "$team `to` $count `grain` $grain `number` $number attr-dict";
}

#endif // SHERRY_DIALECT_SHERRY_STEPOPS
