// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-lower-loops))' | FileCheck %s

// Everything but the parallel loop, whose attributes say how it is divided.
// CHECK-LABEL: func @f
func.func @f(%x: memref<8x64xf32>, %n: index) {
  // CHECK: affine.parallel (%[[ROW:.*]]) = (0) to (symbol(%arg1))
  affine.parallel (%row) = (0) to (symbol(%n)) {
    // CHECK: scf.for %[[I:.*]] = %c0
    // CHECK: %[[COLUMN:.*]] = arith.muli %[[I]], %c16
    // CHECK: vector.load %arg0[%[[ROW]], %[[COLUMN]]]
    // CHECK: vector.store
    // CHECK-NOT: affine.yield
    affine.for %i = 0 to 4 {
      %v = affine.vector_load %x[%row, %i * 16] : memref<8x64xf32>, vector<16xf32>
      affine.vector_store %v, %x[%row, %i * 16] : memref<8x64xf32>, vector<16xf32>
    }
    // CHECK: } {sherry.on_demand, sherry.step = {op = "add"}}
  } {sherry.on_demand, sherry.step = {op = "add"}}
  return
}
