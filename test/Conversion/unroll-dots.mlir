// RUN: sherry-opt %s -sherry-unroll-dots -split-input-file | FileCheck %s

// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[START:[a-z0-9]+]]: vector<16xi32>) -> vector<16xi32>
func.func @in_place(%weights: memref<3x64xi8>, %x: memref<3x4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK-NOT: affine.for
  // CHECK: %[[FIRST:.*]] = sherry.dot_accumulate %{{.*}}, %{{.*}}, %[[START]]
  // CHECK: %[[SECOND:.*]] = sherry.dot_accumulate %{{.*}}, %{{.*}}, %[[FIRST]]
  // CHECK: %[[THIRD:.*]] = sherry.dot_accumulate %{{.*}}, %{{.*}}, %[[SECOND]]
  // CHECK: return %[[THIRD]]
  %sum = affine.for %i = 0 to 3 iter_args(%before = %start) -> (vector<16xi32>) {
    %w = affine.vector_load %weights[%i, 0] : memref<3x64xi8>, vector<64xi8>
    %a = affine.vector_load %x[%i, 0] : memref<3x4xi8>, vector<4xi8>
    %next = sherry.dot_accumulate %w, %a, %before {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %next : vector<16xi32>
  }
  return %sum : vector<16xi32>
}

// -----

// Trits stay in loops.
// CHECK-LABEL: func @trits
func.func @trits(%weights: memref<3x64xi8>, %x: memref<3x4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK: affine.for %{{.*}} = 0 to 3
  %sum = affine.for %i = 0 to 3 iter_args(%before = %start) -> (vector<16xi32>) {
    %w = affine.vector_load %weights[%i, 0] : memref<3x64xi8>, vector<64xi8>
    %a = affine.vector_load %x[%i, 0] : memref<3x4xi8>, vector<4xi8>
    %next = sherry.dot_accumulate %w, %a, %before {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %next : vector<16xi32>
  }
  return %sum : vector<16xi32>
}

// -----

// So do long sums, those of unknown length, and loops that carry something else.
// CHECK-LABEL: func @others
func.func @others(%weights: memref<9x64xi8>, %x: memref<9x4xi8>, %n: index, %start: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>, vector<64xi8>) {
  // CHECK: affine.for %{{.*}} = 0 to 9
  %long = affine.for %i = 0 to 9 iter_args(%before = %start) -> (vector<16xi32>) {
    %w = affine.vector_load %weights[%i, 0] : memref<9x64xi8>, vector<64xi8>
    %a = affine.vector_load %x[%i, 0] : memref<9x4xi8>, vector<4xi8>
    %next = sherry.dot_accumulate %w, %a, %before {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %next : vector<16xi32>
  }
  // CHECK: affine.for %{{.*}} = 0 to %{{.*}} iter_args
  %unknown = affine.for %i = 0 to %n iter_args(%before = %start) -> (vector<16xi32>) {
    %w = affine.vector_load %weights[%i, 0] : memref<9x64xi8>, vector<64xi8>
    %a = affine.vector_load %x[%i, 0] : memref<9x4xi8>, vector<4xi8>
    %next = sherry.dot_accumulate %w, %a, %before {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %next : vector<16xi32>
  }
  // CHECK: affine.for %{{.*}} = 0 to 2 iter_args
  %zeros = arith.constant dense<0> : vector<64xi8>
  %largest = affine.for %i = 0 to 2 iter_args(%before = %zeros) -> (vector<64xi8>) {
    %w = affine.vector_load %weights[%i, 0] : memref<9x64xi8>, vector<64xi8>
    %next = arith.maxui %w, %before : vector<64xi8>
    affine.yield %next : vector<64xi8>
  }
  return %long, %unknown, %largest : vector<16xi32>, vector<16xi32>, vector<64xi8>
}
