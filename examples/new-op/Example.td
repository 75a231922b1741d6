//===- Example.td - A dialect with one op for graphs -------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef EXAMPLES_NEW_OP_EXAMPLE
#define EXAMPLES_NEW_OP_EXAMPLE

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Example_Dialect : Dialect {
  let name = "example";
  let cppNamespace = "::example";
  let summary = "What a project adds to graphs of sherry";
}

def Example_ClampOp
    : Op<Example_Dialect, "clamp", [Pure, SameOperandsAndResultType]> {
  let summary = "activations between -limit and limit";
  let description = [{
    `result[t][i] = max(-limit, min(input[t][i], limit))`.

    ```mlir
    %y = example.clamp %x to 30.0 : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[F32]>:$input, F32Attr:$limit);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = "$input `to` $limit attr-dict `:` type($input)";
}

#endif // EXAMPLES_NEW_OP_EXAMPLE
