// Loops read back are the loops that were written: a sum whose right side is a sum
// becomes what its text says. `-affine-simplify-structures` and canonicalization
// leave such sums.
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize,sherry-normalize-subscripts))' -o %t.mlir
// RUN: sherry-opt %t.mlir -pass-pipeline='builtin.module(func.func(sherry-lower-loops))' -o %t.read.mlir
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize,sherry-normalize-subscripts,sherry-lower-loops))' -o %t.direct.mlir
// RUN: cmp %t.read.mlir %t.direct.mlir
// RUN: FileCheck %s < %t.direct.mlir

// Without the pass they differ.
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize))' -o %t.plain.mlir
// RUN: sherry-opt %t.plain.mlir -pass-pipeline='builtin.module(func.func(sherry-lower-loops))' -o %t.read.mlir
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(canonicalize,sherry-lower-loops))' -o %t.direct.mlir
// RUN: not cmp %t.read.mlir %t.direct.mlir

// What has the form stays.
// RUN: sherry-opt %t.mlir -pass-pipeline='builtin.module(func.func(sherry-normalize-subscripts))' -o %t.again.mlir
// RUN: cmp %t.mlir %t.again.mlir
// RUN: FileCheck %s --check-prefix=KEPT < %t.mlir

// CHECK-LABEL: func @sum
// CHECK: arith.remsi
// CHECK: arith.addi
// CHECK: arith.addi
// CHECK: memref.load
func.func @sum(%x: memref<4096xf32>, %n: index) {
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %a = affine.apply affine_map<(d0)[s0] -> (d0 mod 3 + s0)>(%i)[%n]
      %v = affine.load %x[%j + %a] : memref<4096xf32>
      affine.store %v, %x[%i] : memref<4096xf32>
    }
  }
  return
}

// CHECK-LABEL: func @condition
// CHECK: arith.remsi
// CHECK: arith.addi
// CHECK: arith.addi
// CHECK: arith.cmpi
func.func @condition(%x: memref<4096xf32>, %n: index) {
  %c = arith.constant 1.0 : f32
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %a = affine.apply affine_map<(d0)[s0] -> (d0 mod 3 + s0)>(%i)[%n]
      affine.if affine_set<(d0, d1) : (d0 + d1 - 9 >= 0)>(%j, %a) {
        affine.store %c, %x[%i] : memref<4096xf32>
      }
    }
  }
  return
}

// KEPT-LABEL: func @ordered
// KEPT: affine.load %{{.*}}[%{{.*}} + %{{.*}} * 64 + symbol(%{{.*}}) floordiv 2]
func.func @ordered(%x: memref<4096xf32>, %n: index) {
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %v = affine.load %x[%j + %i * 64 + symbol(%n) floordiv 2] : memref<4096xf32>
      affine.store %v, %x[%i] : memref<4096xf32>
    }
  }
  return
}
