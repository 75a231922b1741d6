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
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.step = {op = "rope"}}
  // CHECK: scf.for
  // CHECK: sherry.barrier %[[TEAM]]{{$}}
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  // CHECK-NOT: affine.parallel
  return
}

// Whoever is free takes one of the last quarter, by a counter that thread 0
// resets before the last barrier.
// CHECK-LABEL: func @on_demand
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[TEAM:.*]]: !sherry.team)
func.func @on_demand(%x: memref<?xf32>, %n: index, %team: !sherry.team) {
  // CHECK: %[[COUNTER:.*]] = memref.alloc() : memref<1xi64>
  // CHECK-NOT: memref.alloc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  // Nothing before this loop could reset a counter.
  // CHECK: scf.for
  // CHECK: %[[I:.*]] = sherry.thread %[[TEAM]]
  // CHECK: %[[IS_FIRST:.*]] = arith.cmpi eq, %[[I]], %[[ZERO:.*]] : index
  // CHECK: scf.if %[[IS_FIRST]]
  // CHECK-NEXT: %[[RESET:.*]] = arith.constant 0 : i64
  // CHECK-NEXT: memref.store %[[RESET]], %[[COUNTER]][%[[ZERO]]]
  // CHECK: sherry.barrier %[[TEAM]]{{$}}
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.on_demand}
  // CHECK: %[[QUARTER:.*]] = arith.divui %[[N]], %c4
  // CHECK: %[[DIVIDED:.*]] = arith.subi %[[N]], %[[QUARTER]]
  // CHECK: %[[A:.*]] = arith.muli %{{.*}}, %[[DIVIDED]]
  // CHECK: %[[BEGIN:.*]] = arith.divui %[[A]], %
  // CHECK: %[[B:.*]] = arith.muli %{{.*}}, %[[DIVIDED]]
  // CHECK: %[[END:.*]] = arith.divui %[[B]], %
  // CHECK: scf.while (%[[NEXT:.*]] = %[[BEGIN]])
  // CHECK: %[[MINE:.*]] = arith.cmpi ult, %[[NEXT]], %[[END]]
  // CHECK: %[[K:.*]] = scf.if %[[MINE]]
  // CHECK: scf.yield %[[NEXT]]
  // CHECK: %[[TAKEN:.*]] = memref.atomic_rmw addi %{{.*}}, %[[COUNTER]]
  // CHECK: %[[INDEX:.*]] = arith.index_castui %[[TAKEN]]
  // CHECK: %[[AFTER:.*]] = arith.addi %[[DIVIDED]], %[[INDEX]]
  // CHECK: scf.yield %[[AFTER]]
  // CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %[[K]], %[[N]]
  // CHECK: scf.condition(%[[EXISTS]]) %[[K]]
  // CHECK: memref.store %{{.*}}, %[[X]][%[[J:.*]]]
  // CHECK: %[[J2:.*]] = arith.addi %[[J]], %
  // CHECK: scf.yield %[[J2]]
  // CHECK: sherry.barrier %[[TEAM]] {step = {op = "rope"}}
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.on_demand, sherry.step = {op = "rope"}}
  return
}
