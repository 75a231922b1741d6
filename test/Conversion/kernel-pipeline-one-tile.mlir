// A loop with one iteration is run by one thread too: all other threads would
// write the same buffer at the same time.
// RUN: sherry-opt %s -sherry-layout-pipeline -sherry-loops-pipeline -sherry-kernel-pipeline | FileCheck %s

module attributes {sherry.numerics = #sherry.numerics<activations = f32>} {
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// CHECK-LABEL: func.func @decode
// CHECK-NOT: vector.store
// CHECK: sherry.step
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK: vector.store %{{.*}} : memref<1x32xf32>, vector<32xf32>
// CHECK: return
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = sherry.linear %x, @w : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}
