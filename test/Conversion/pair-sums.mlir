// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{pair-sums},func.func(sherry-pair-sums))' | FileCheck %s
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-pair-sums))' | FileCheck %s --check-prefix=NOT
// NOT-NOT: sherry.dot_pairs

// CHECK-LABEL: func @short
func.func @short(%w: memref<64x64xi8>, %x: memref<64x4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK: %[[PAIRS:.*]] = affine.for %{{.*}} = 0 to 64 iter_args(%[[A:.*]] = %cst) -> (vector<32xi16>) {
  // CHECK: %[[B:.*]] = sherry.dot_pairs %{{.*}}, %{{.*}}, %[[A]]
  // CHECK: affine.yield %[[B]]
  // CHECK: sherry.add_pairs %[[PAIRS]], %arg2
  %sum = affine.for %i = 0 to 64 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<64x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<64x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  return %sum : vector<16xi32>
}

// 65 products might not fit, nor 44 with larger weights.
// CHECK-LABEL: func @long
// CHECK-NOT: sherry.dot_pairs
func.func @long(%w: memref<65x64xi8>, %x: memref<65x4xi8>, %start: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>) {
  %sum = affine.for %i = 0 to 65 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<65x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<65x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  %other = affine.for %i = 0 to 44 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<65x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<65x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 3 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  return %sum, %other : vector<16xi32>, vector<16xi32>
}

// Of products one after the other, as many are summed as fit.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[W:[a-z0-9]+]]: vector<64xi8>, %[[X:[a-z0-9]+]]: vector<4xi8>, %[[START:[a-z0-9]+]]: vector<16xi32>)
func.func @chain(%w: vector<64xi8>, %x: vector<4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK: %[[ZERO:.*]] = arith.constant dense<0> : vector<32xi16>
  // CHECK: %[[P0:.*]] = sherry.dot_pairs %[[W]], %[[X]], %[[ZERO]]
  // CHECK: %[[P1:.*]] = sherry.dot_pairs %[[W]], %[[X]], %[[P0]]
  // CHECK: %[[SUM1:.*]] = sherry.add_pairs %[[P1]], %[[START]]
  %0 = sherry.dot_accumulate %w, %x, %start {max_weight = 63 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  %1 = sherry.dot_accumulate %w, %x, %0 {max_weight = 63 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK: %[[P2:.*]] = sherry.dot_pairs %[[W]], %[[X]], %{{.*}}
  // CHECK: %[[P3:.*]] = sherry.dot_pairs %[[W]], %[[X]], %[[P2]]
  // CHECK: %[[SUM2:.*]] = sherry.add_pairs %[[P3]], %[[SUM1]]
  %2 = sherry.dot_accumulate %w, %x, %1 {max_weight = 63 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  %3 = sherry.dot_accumulate %w, %x, %2 {max_weight = 63 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK: %[[SUM3:.*]] = sherry.dot_accumulate %[[W]], %[[X]], %[[SUM2]] {max_weight = 63 : i32}
  // CHECK: return %[[SUM3]]
  %4 = sherry.dot_accumulate %w, %x, %3 {max_weight = 63 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %4 : vector<16xi32>
}

// Weights above the bound are left out, and those behind them are summed.
// CHECK-LABEL: func @mixed
// CHECK-SAME: %[[W:[a-z0-9]+]]: vector<64xi8>, %[[X:[a-z0-9]+]]: vector<4xi8>, %[[START:[a-z0-9]+]]: vector<16xi32>)
func.func @mixed(%w: vector<64xi8>, %x: vector<4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK: %[[FIRST:.*]] = sherry.dot_accumulate %[[W]], %[[X]], %[[START]] {max_weight = 255 : i32}
  %0 = sherry.dot_accumulate %w, %x, %start {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK-COUNT-2: sherry.dot_pairs
  // CHECK-NOT: sherry.dot_pairs
  // CHECK: %[[SECOND:.*]] = sherry.add_pairs %{{.*}}, %[[FIRST]]
  %1 = sherry.dot_accumulate %w, %x, %0 {max_weight = 64 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  %2 = sherry.dot_accumulate %w, %x, %1 {max_weight = 64 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK: %[[THIRD:.*]] = sherry.dot_accumulate %[[W]], %[[X]], %[[SECOND]] {max_weight = 1 : i32}
  // CHECK: return %[[THIRD]]
  %3 = sherry.dot_accumulate %w, %x, %2 {max_weight = 1 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %3 : vector<16xi32>
}

// A loop with another product stays.
// CHECK-LABEL: func @others
// CHECK-NOT: sherry.dot_pairs
func.func @others(%w: vector<64xi8>, %x: vector<4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  %sum = affine.for %i = 0 to 8 iter_args(%a = %start) -> vector<16xi32> {
    %b = sherry.dot_accumulate %w, %x, %a {max_weight = 1 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    %c = sherry.dot_accumulate %w, %x, %start {max_weight = 1 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  return %sum : vector<16xi32>
}

// A sum that somebody else reads ends there.
// CHECK-LABEL: func @read
// CHECK-NOT: sherry.dot_pairs
func.func @read(%w: vector<64xi8>, %x: vector<4xi8>, %start: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>) {
  %0 = sherry.dot_accumulate %w, %x, %start {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  %1 = sherry.dot_accumulate %w, %x, %0 {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %0, %1 : vector<16xi32>, vector<16xi32>
}
