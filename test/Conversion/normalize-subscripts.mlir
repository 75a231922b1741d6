// Loops read back are the loops that were written: a sum whose right side is a sum
// becomes what its text says. `-affine-simplify-structures` and canonicalization
// leave such sums.
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize,sherry-normalize-subscripts))' -o %t.mlir
// RUN: sherry-opt %t.mlir -pass-pipeline='builtin.module(func.func(sherry-lower-loops))' -o %t.read.mlir
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize,sherry-normalize-subscripts,sherry-lower-loops))' -o %t.direct.mlir
// RUN: cmp %t.read.mlir %t.direct.mlir
// RUN: FileCheck %s < %t.direct.mlir

// CHECK-LABEL: func @sum
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK: memref.load
func.func @sum(%x: memref<4096xf32>, %n: index) {
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %a = affine.apply affine_map<(d0)[s0] -> (d0 * 64 + s0)>(%i)[%n]
      %b = affine.apply affine_map<(d0, d1) -> (d0 + d1 floordiv 2)>(%j, %a)
      %c = affine.apply affine_map<(d0, d1) -> (d1 + d0)>(%b, %a)
      %v = affine.load %x[%c + %a] : memref<4096xf32>
      affine.store %v, %x[%i] : memref<4096xf32>
    }
  }
  return
}
