// RUN: sherry-opt %s -sherry-verify-stage=stage=sherry | FileCheck %s --check-prefix=STAGE
// RUN: not sherry-opt %s -sherry-verify-stage=stage=layout 2>&1 | FileCheck %s --check-prefix=LAYOUT
// RUN: not sherry-opt %s -sherry-verify-stage=stage=kernel 2>&1 | FileCheck %s --check-prefix=KERNEL
// RUN: not sherry-opt %s -sherry-verify-stage=stage=loops 2>&1 | FileCheck %s --check-prefix=TENSORS
// RUN: not sherry-opt %S/Inputs/kernel.mlir -sherry-verify-stage=stage=loops 2>&1 | FileCheck %s --check-prefix=DIVIDED
// RUN: not sherry-opt %S/Inputs/kernel.mlir -sherry-verify-stage=stage=kernel 2>&1 | FileCheck %s --check-prefix=WHOLE
// RUN: not sherry-opt %s -sherry-verify-stage=stage=llvm-mlir 2>&1 | FileCheck %s --check-prefix=LLVM
// RUN: not sherry-opt %s -sherry-verify-stage=stage=end 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not sherry-opt %S/Inputs/loops.mlir -sherry-verify-stage=stage=sherry 2>&1 | FileCheck %s --check-prefix=GRAPH
// RUN: not sherry-opt %S/Inputs/loops.mlir -sherry-verify-stage=stage=kernel 2>&1 | FileCheck %s --check-prefix=LOOPS

// STAGE: sherry.stage = "sherry"

// LAYOUT: 'sherry.weight' op has no layout after stage 'layout'
// LAYOUT: 'func.func' op is not specialized for a number of tokens after stage 'layout'
// KERNEL: 'func.func' op still works on tensors after stage 'kernel'
// KERNEL: 'sherry.linear' op still works on tensors after stage 'kernel'
// TENSORS: 'func.func' op still works on tensors after stage 'loops'
// DIVIDED: 'sherry.step' op divides work before loops are divided after stage 'loops'
// WHOLE: 'sherry.unpack_codes' op is not expanded after stage 'kernel'
// LLVM: is not in the LLVM dialect after stage 'llvm-mlir'
// NAME: error: stage must be one of sherry, layout, loops, kernel, llvm-mlir, not 'end'
// GRAPH: 'memref.alloc' op is not a step of a graph after stage 'sherry'
// LOOPS: 'memref.alloc' op allocates memory after stage 'kernel'
// LOOPS: 'affine.parallel' op is not divided among the team after stage 'kernel'

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = sherry.linear %x, @w : tensor<?x8xf32> -> tensor<?x8xf32>
  %z = arith.addf %x, %y : tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}
