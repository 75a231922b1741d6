// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(func.func(sherry-block-tokens,canonicalize))' | FileCheck %s
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{sum-tokens=4},func.func(sherry-block-tokens,canonicalize))' | FileCheck %s --check-prefix=PAIRS
// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-block-tokens))' | FileCheck %s --check-prefix=OTHERS

// Blocks of eight tokens: the panel is read once for all of them.
// CHECK: #[[BLOCKS:.*]] = affine_map<()[s0] -> (s0 floordiv 8)>
// CHECK: #[[EIGHT:.*]] = affine_set<()[s0] : (s0 mod 8 - 5 >= 0, -(s0 mod 8) + 8 >= 0)>
// CHECK: #[[FOUR:.*]] = affine_set<()[s0] : (s0 mod 8 - 1 >= 0, -(s0 mod 8) + 4 >= 0)>
// CHECK: affine.for %[[BLOCK:.*]] = 0 to #[[BLOCKS]]()[%[[COUNT:.*]]] {
// CHECK-COUNT-8: affine.load
// CHECK: affine.for {{.*}} = 0 to 5 iter_args
// CHECK-COUNT-2: affine.vector_load %alloca
// CHECK-NOT: affine.vector_load %alloca
// CHECK: affine.vector_load %{{.*}}[%[[BLOCK]] * 8, %{{.*}} + 3, 0, 0]
// CHECK-COUNT-2: sherry.dot_accumulate
// CHECK: affine.vector_load %{{.*}}[%[[BLOCK]] * 8 + 1, %{{.*}} + 3, 0, 0]
// CHECK-COUNT-14: sherry.dot_accumulate
// CHECK: affine.yield
// CHECK-COUNT-16: affine.vector_store
// What is left: 5 to 7 tokens as eight, 1 to 4 as four.
// CHECK: affine.if #[[EIGHT]]()[%[[COUNT]]] {
// CHECK-COUNT-16: sherry.dot_accumulate
// CHECK: affine.if #[[FOUR]]()[%[[COUNT]]] {
// CHECK: affine.vector_load %{{.*}}[(symbol(%[[COUNT]]) floordiv 8) * 8, %{{.*}} + 3, 0, 0]
// CHECK-COUNT-8: sherry.dot_accumulate
// CHECK-NOT: sherry.dot_accumulate

// Four tokens share reads, twice in a block.
// PAIRS: affine.for %{{.*}} = 0 to #{{.*}}()[%{{.*}}] {
// PAIRS: affine.for {{.*}} = 0 to 5 iter_args
// PAIRS-COUNT-8: sherry.dot_accumulate
// PAIRS: affine.yield
// PAIRS: affine.for {{.*}} = 0 to 5 iter_args
// PAIRS-COUNT-8: sherry.dot_accumulate
// PAIRS: affine.yield
// PAIRS: affine.if

// Loops without a sum, over something else than tokens, or with other loops in
// them stay.
// OTHERS-LABEL: func @others
// OTHERS-NOT: affine.if
func.func @others(%x: memref<64x64xf32>, %count: index) {
  %zero = arith.constant 0.0 : f32
  affine.for %row = 0 to %count {
    affine.store %zero, %x[%row, 0] : memref<64x64xf32>
  }
  affine.for %row = 0 to 64 {
    %sum = affine.for %i = 0 to 64 iter_args(%a = %zero) -> f32 {
      %v = affine.load %x[%row, %i] : memref<64x64xf32>
      %b = arith.addf %a, %v : f32
      affine.yield %b : f32
    }
    affine.store %sum, %x[%row, 0] : memref<64x64xf32>
  }
  affine.for %row = 0 to %count {
    affine.for %i = 0 to 64 {
      affine.store %zero, %x[%row, %i] : memref<64x64xf32>
    }
  }
  return
}

// A result has rows for the tokens alone, mostly one: what is left is one token,
// or a block of which only the rows that exist are written.
// OTHERS-LABEL: func @result
func.func @result(%result: memref<64x64xf32>, %count: index) {
  %zero = arith.constant 0.0 : f32
  %x = memref.alloc() : memref<64x64xf32>
  // OTHERS: affine.for %{{.*}} = 0 to #{{.*}}()[%arg1] {
  // OTHERS-COUNT-8: affine.store
  // OTHERS: affine.if
  // OTHERS: affine.for
  // OTHERS: affine.if #[[FIRST:.*]]()[%arg1] {
  // OTHERS-NEXT: affine.store
  // OTHERS-COUNT-3: affine.store
  // OTHERS: affine.if
  // OTHERS-COUNT-4: affine.if
  // OTHERS: affine.if #[[LAST:.*]]()[%arg1] {
  // OTHERS: affine.for
  // OTHERS-NOT: affine.if
  // OTHERS: affine.store
  affine.for %row = 0 to %count {
    %sum = affine.for %i = 0 to 64 iter_args(%a = %zero) -> f32 {
      %v = affine.load %x[%row, %i] : memref<64x64xf32>
      %b = arith.addf %a, %v : f32
      affine.yield %b : f32
    }
    affine.store %sum, %result[%row, 0] : memref<64x64xf32>
  }
  return
}

// What is read has no rows beyond the tokens.
// OTHERS-LABEL: func @argument
// OTHERS-NOT: affine.if
func.func @argument(%x: memref<64x64xf32>, %count: index) {
  %zero = arith.constant 0.0 : f32
  affine.for %row = 0 to %count {
    %sum = affine.for %i = 0 to 64 iter_args(%a = %zero) -> f32 {
      %v = affine.load %x[%row, %i] : memref<64x64xf32>
      %b = arith.addf %a, %v : f32
      affine.yield %b : f32
    }
    affine.store %sum, %x[%row, 0] : memref<64x64xf32>
  }
  return
}

// A token that reads what the one before has written cannot be in its block.
// OTHERS-LABEL: func @sequence
// OTHERS-NOT: affine.if
func.func @sequence(%count: index) {
  %zero = arith.constant 0.0 : f32
  %x = memref.alloc() : memref<65x64xf32>
  affine.for %row = 0 to %count {
    %sum = affine.for %i = 0 to 64 iter_args(%a = %zero) -> f32 {
      %v = affine.load %x[%row, %i] : memref<65x64xf32>
      %b = arith.addf %a, %v : f32
      affine.yield %b : f32
    }
    affine.store %sum, %x[%row + 1, 0] : memref<65x64xf32>
  }
  return
}
