// RUN: sherry-opt %s -inline | FileCheck %s

sherry.weight @q count 2 from ["q.{}"] rows [32] : tensor<32x32xbf16>

func.func private @layer(%x: tensor<?x32xf32>, %layer: index) -> tensor<?x32xf32> {
  %0 = sherry.linear %x, @q[%layer] : tensor<?x32xf32> -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// CHECK-NOT: @layer
// CHECK-LABEL: func @forward
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xf32>)
func.func @forward(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[FIRST:.*]] = arith.constant 0
  %first = arith.constant 0 : index
  // CHECK: %[[Y:.*]] = sherry.linear %[[X]], @q[%[[FIRST]]]
  %y = call @layer(%x, %first) : (tensor<?x32xf32>, index) -> tensor<?x32xf32>
  // CHECK: return %[[Y]]
  return %y : tensor<?x32xf32>
}
