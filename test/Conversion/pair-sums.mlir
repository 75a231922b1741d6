// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{pair-sums},func.func(sherry-pair-sums))' | FileCheck %s
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-pair-sums))' | FileCheck %s --check-prefix=NOT
// NOT-NOT: sherry.dot_pairs

// CHECK-LABEL: func @short
func.func @short(%w: memref<64x64xi8>, %x: memref<64x4xi8>, %start: vector<16xi32>) -> vector<16xi32> {
  // CHECK: %[[PAIRS:.*]] = affine.for %{{.*}} = 0 to 64 iter_args(%[[A:.*]] = %cst) -> (vector<32xi16>) {
  // CHECK: %[[B:.*]] = sherry.dot_pairs %{{.*}}, %{{.*}}, %[[A]]
  // CHECK: affine.yield %[[B]]
  // CHECK: %[[BOTH:.*]] = vector.bitcast %[[PAIRS]] : vector<32xi16> to vector<16xi32>
  // CHECK: %[[LEFT:.*]] = arith.shli %[[BOTH]]
  // CHECK: %[[EVEN:.*]] = arith.shrsi %[[LEFT]]
  // CHECK: %[[ODD:.*]] = arith.shrsi %[[BOTH]]
  // CHECK: %[[SUM:.*]] = arith.addi %[[EVEN]], %[[ODD]]
  // CHECK: arith.addi %arg2, %[[SUM]]
  %sum = affine.for %i = 0 to 64 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<64x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<64x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  return %sum : vector<16xi32>
}

// 65 products might not fit, nor those with larger weights.
// CHECK-LABEL: func @long
// CHECK-NOT: sherry.dot_pairs
func.func @long(%w: memref<65x64xi8>, %x: memref<65x4xi8>, %start: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>) {
  %sum = affine.for %i = 0 to 65 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<65x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<65x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  %other = affine.for %i = 0 to 8 iter_args(%a = %start) -> vector<16xi32> {
    %u = affine.vector_load %w[%i, 0] : memref<65x64xi8>, vector<64xi8>
    %v = affine.vector_load %x[%i, 0] : memref<65x4xi8>, vector<4xi8>
    %b = sherry.dot_accumulate %u, %v, %a {max_weight = 3 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
    affine.yield %b : vector<16xi32>
  }
  return %sum, %other : vector<16xi32>, vector<16xi32>
}
