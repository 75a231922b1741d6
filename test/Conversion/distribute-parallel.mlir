// RUN: sherry-opt %s -sherry-distribute-parallel | FileCheck %s

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[TEAM:.*]]: !sherry.team)
func.func @f(%x: memref<?xf32>, %n: index, %team: !sherry.team) {
  %f = arith.constant 0.0 : f32
  // CHECK: sherry.step %[[TEAM]] to %[[N]] attributes {step = {op = "rope"}} {
  // CHECK-NEXT: ^bb0(%[[BEGIN:.*]]: index, %[[END:.*]]: index):
  // CHECK: scf.for %[[K:.*]] = %[[BEGIN]] to %[[END]] step
  // CHECK-NEXT: memref.store %{{.*}}, %[[X]][%[[K]]]
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.step = {op = "rope"}}
  // Long iterations: shares are cut.
  // CHECK: sherry.step %[[TEAM]] to %[[N]] attributes {grain = 1 : i64} {
  // CHECK: scf.for
  affine.parallel (%i) = (0) to (symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  } {sherry.on_demand}
  // CHECK: %[[TWICE:.*]] = arith.muli %[[N]], %c2
  // CHECK: sherry.step %[[TEAM]] to %[[TWICE]] {
  affine.parallel (%i) = (0) to (2 * symbol(%n)) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  // CHECK-NOT: affine.parallel
  return
}
