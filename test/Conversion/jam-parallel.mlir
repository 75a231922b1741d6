// RUN: sherry-opt %s -sherry-jam-parallel | FileCheck %s

// Six heads are two times three; keys are loaded once for three of them.
// CHECK-LABEL: func @heads
// CHECK-SAME: %[[KEYS:[^:]*]]: memref<8xf32>, %[[QUERIES:[^:]*]]: memref<6xf32>, %[[SUMS:[^:]*]]: memref<6xf32>, %[[END:.*]]: index
func.func @heads(%keys: memref<8xf32>, %queries: memref<6xf32>, %sums: memref<6xf32>, %end: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  affine.parallel (%i) = (0) to (1) {
    // CHECK: affine.for %[[HEAD:.*]] = 0 to 6 step 3 {
    // CHECK: %[[FOUND:.*]]:3 = scf.for %[[K:.*]] = %{{.*}} to %[[END]] step %{{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}})
    // CHECK: memref.prefetch
    // CHECK-NOT: memref.prefetch
    // CHECK: %[[KEY:.*]] = memref.load %[[KEYS]][%[[K]]]
    // CHECK-NOT: memref.load
    // CHECK: %[[Q:.*]] = affine.load %[[QUERIES]][%[[HEAD]]]
    // CHECK: %[[P:.*]] = arith.mulf %[[Q]], %[[KEY]]
    // CHECK: %[[D:.*]] = arith.addf %[[A]], %[[P]]
    // CHECK: affine.load %[[QUERIES]]
    // CHECK: %[[E:.*]] = arith.addf %[[B]]
    // CHECK: affine.load %[[QUERIES]]
    // CHECK: %[[F:.*]] = arith.addf %[[C]]
    // CHECK: scf.yield %[[D]], %[[E]], %[[F]]
    // CHECK: affine.store %[[FOUND]]#0, %[[SUMS]][%[[HEAD]]]
    // CHECK: affine.store %[[FOUND]]#1, %[[SUMS]]
    // CHECK: affine.store %[[FOUND]]#2, %[[SUMS]]
    // CHECK-NOT: affine.store
    affine.parallel (%head) = (0) to (6) {
      %sum = scf.for %k = %c0 to %end step %c1 iter_args(%carried = %zero) -> (f32) {
        memref.prefetch %keys[%k], read, locality<3>, data : memref<8xf32>
        %key = memref.load %keys[%k] : memref<8xf32>
        %query = affine.load %queries[%head] : memref<6xf32>
        %product = arith.mulf %query, %key : f32
        %next = arith.addf %carried, %product : f32
        scf.yield %next : f32
      }
      affine.store %sum, %sums[%head] : memref<6xf32>
    }
  }
  return
}

// A prime number of heads, and heads that go through loops of their own length:
// one at a time.
// CHECK-LABEL: func @alone
func.func @alone(%queries: memref<6xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.parallel (%i) = (0) to (1) {
    // CHECK: affine.for %{{.*}} = 0 to 5 {
    // CHECK-NEXT: affine.store
    // CHECK-NEXT: }
    affine.parallel (%head) = (0) to (5) {
      affine.store %zero, %queries[%head] : memref<6xf32>
    }
    // CHECK: affine.for %[[HEAD:.*]] = 0 to 6 {
    // CHECK-NEXT: affine.for %{{.*}} = 0 to #{{.*}}(%[[HEAD]]) {
    affine.parallel (%head) = (0) to (6) {
      affine.for %k = 0 to affine_map<(d0) -> (d0)>(%head) {
        affine.store %zero, %queries[%head] : memref<6xf32>
      }
    }
  }
  return
}

// Work of threads is not touched.
// CHECK-LABEL: func @outermost
// CHECK: affine.parallel
// CHECK-NOT: affine.for
func.func @outermost(%queries: memref<6xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.parallel (%head) = (0) to (6) {
    affine.store %zero, %queries[%head] : memref<6xf32>
  }
  return
}

// Loops of other kinds, one iteration at a time; unsigned bounds stay so.
// CHECK-LABEL: func @others
func.func @others(%sums: memref<6xf32>, %numbers: memref<256xf32>, %end: index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %first = arith.constant 0 : i8
  %last = arith.constant 200 : i8
  %one = arith.constant 1 : i8
  affine.parallel (%i) = (0) to (1) {
    // CHECK: affine.for %{{.*}} = 0 to 6 {
    // CHECK-NEXT: scf.while
    affine.parallel (%head) = (0) to (6) {
      %r = scf.while (%k = %c0) : (index) -> index {
        %goesOn = arith.cmpi ult, %k, %end : index
        scf.condition(%goesOn) %k : index
      } do {
      ^bb0(%k: index):
        affine.store %zero, %sums[%head] : memref<6xf32>
        %next = arith.addi %k, %c1 : index
        scf.yield %next : index
      }
    }
    // CHECK: affine.for %{{.*}} = 0 to 6 step 3
    // CHECK: scf.for unsigned
    affine.parallel (%head) = (0) to (6) {
      %sum = scf.for unsigned %k = %first to %last step %one iter_args(%carried = %zero) -> (f32) : i8 {
        %at = arith.index_castui %k : i8 to index
        %number = memref.load %numbers[%at] : memref<256xf32>
        %next = arith.addf %carried, %number : f32
        scf.yield %next : f32
      }
      affine.store %sum, %sums[%head] : memref<6xf32>
    }
  }
  return
}
