// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-hoist-buffers))' -split-input-file -verify-diagnostics | FileCheck %s

// Each thread has a place of its own, or each iteration if those are fewer: five
// places of 1024 bytes. The second loop, which needs less, has the same memory.
// CHECK-LABEL: func @places
// CHECK-SAME: %[[ROWS:.*]]: index, %[[TEAM:.*]]: !sherry.team
func.func @places(%rows: index, %team: !sherry.team) attributes {sherry.max_tokens = 8 : i64} {
  // CHECK-DAG: %[[SCRATCH:.*]] = memref.alloc() : memref<5120xi8>
  // CHECK-DAG: %[[STACK:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
  // CHECK-NOT: memref.alloc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0.0 : f32
  // CHECK: affine.parallel (%[[TILE:.*]]) =
  affine.parallel (%tile) = (0) to (5) {
    // CHECK: %[[THREADS:.*]] = sherry.num_threads %[[TEAM]]
    // CHECK: %[[IS_ENOUGH:.*]] = arith.cmpi ule, %[[THREADS]], %c5
    // CHECK: %[[THREAD:.*]] = sherry.thread %[[TEAM]]
    // CHECK: %[[PLACE:.*]] = arith.select %[[IS_ENOUGH]], %[[THREAD]], %[[TILE]]
    // CHECK: %[[AT:.*]] = arith.muli %[[PLACE]], %c1024
    // CHECK: %[[SUMS:.*]] = memref.view %[[SCRATCH]][%[[AT]]][] : memref<5120xi8> to memref<8x32xf32>
    // CHECK: memref.store %{{.*}}, %[[SUMS]]
    %sums = memref.alloc() : memref<8x32xf32>
    memref.store %zero, %sums[%c0, %c0] : memref<8x32xf32>
    // CHECK: memref.store %{{.*}}, %[[STACK]]
    %local = memref.alloca() : memref<16xf32>
    memref.store %zero, %local[%c0] : memref<16xf32>
  }
  // Twice the rows are at most 16 iterations.
  // CHECK: affine.parallel
  affine.parallel (%i) = (0) to (symbol(%rows) * 2) {
    // Two buffers: the places of the second follow those of the first.
    // CHECK: memref.view %[[SCRATCH]][%{{.*}}][] : memref<5120xi8> to memref<2xf32>
    // CHECK: arith.addi %{{.*}}, %c1024
    // CHECK: memref.view %[[SCRATCH]][%{{.*}}][] : memref<5120xi8> to memref<4xf32>
    %a = memref.alloc() : memref<2xf32>
    memref.store %zero, %a[%c0] : memref<2xf32>
    %b = memref.alloc() : memref<4xf32>
    memref.store %zero, %b[%c0] : memref<4xf32>
    // CHECK: memref.store %{{.*}}, %[[STACK]]
    %local = memref.alloca() : memref<16xf32>
    memref.store %zero, %local[%c0] : memref<16xf32>
  }
  return
}

// -----

func.func @unbounded(%team: !sherry.team) attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = sherry.num_threads %team
  // expected-error@+1 {{allocates memory, and nothing bounds the number of its iterations}}
  affine.parallel (%i) = (0) to (symbol(%n)) {
    %a = memref.alloc() : memref<2xf32>
  }
  return
}

// -----

func.func @no_team() attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{allocates memory, and the function has no !sherry.team whose threads share it}}
  affine.parallel (%i) = (0) to (1) {
    %a = memref.alloc() : memref<2xf32>
  }
  return
}

// -----

func.func @dynamic(%n: index, %team: !sherry.team) attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  affine.parallel (%i) = (0) to (1) {
    // expected-error@+1 {{only buffers of fixed size can be placed}}
    %a = memref.alloc(%n) : memref<?xf32>
  }
  return
}

// -----

func.func @stack(%team: !sherry.team) attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  affine.parallel (%i) = (0) to (1) {
    // expected-error@+1 {{is too large for a small stack: at most 8192 bytes}}
    %a = memref.alloca() : memref<8193xi8>
  }
  return
}
