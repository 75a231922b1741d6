// RUN: sherry-opt %s -sherry-distribute-parallel | FileCheck %s

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[TEAM:.*]]: !sherry.team)
func.func @f(%x: memref<?xf32>, %n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  // CHECK-DAG: %[[I:.*]] = sherry.thread %[[TEAM]]
  // CHECK-DAG: %[[T:.*]] = sherry.num_threads %[[TEAM]]
  // CHECK: %[[A:.*]] = arith.muli %[[I]], %[[N]]
  // CHECK: %[[BEGIN:.*]] = arith.divui %[[A]], %[[T]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %
  // CHECK: %[[B:.*]] = arith.muli %[[NEXT]], %[[N]]
  // CHECK: %[[END:.*]] = arith.divui %[[B]], %[[T]]
  // CHECK: scf.for %[[K:.*]] = %[[BEGIN]] to %[[END]] step
  // CHECK-NEXT: memref.store %{{.*}}, %[[X]][%[[K]]]
  // CHECK: sherry.barrier %[[TEAM]] {step = {op = "rope"}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.step = {op = "rope"}}
  // CHECK: scf.for
  // CHECK: sherry.barrier %[[TEAM]]{{$}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  // CHECK-NOT: scf.parallel
  return
}
