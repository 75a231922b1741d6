// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-hoist-buffers))' -split-input-file -verify-diagnostics | FileCheck %s

// The second loop has the same slot; memory of the workspace stays.
// CHECK-LABEL: func @slots
func.func @slots() {
  // CHECK: %[[STACK:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
  // CHECK-NOT: memref.alloca
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  // CHECK: affine.parallel
  affine.parallel (%tile) = (0) to (5) {
    // CHECK: memref.alloc() : memref<8x32xf32>
    %sums = memref.alloc() : memref<8x32xf32>
    memref.store %zero, %sums[%c0, %c0] : memref<8x32xf32>
    // CHECK: memref.store %{{.*}}, %[[STACK]]
    %local = memref.alloca() : memref<16xf32>
    memref.store %zero, %local[%c0] : memref<16xf32>
  }
  // CHECK: affine.parallel
  affine.parallel (%i) = (0) to (3) {
    // CHECK: memref.store %{{.*}}, %[[STACK]]
    %local = memref.alloca() : memref<16xf32>
    memref.store %zero, %local[%c0] : memref<16xf32>
  }
  return
}

// -----

func.func @stack() {
  affine.parallel (%i) = (0) to (1) {
    // expected-error@+1 {{is too large for a small stack: at most 8192 bytes}}
    %a = memref.alloca() : memref<8193xi8>
  }
  return
}
