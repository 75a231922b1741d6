// RUN: sherry-opt %s -sherry-fuse-residual | FileCheck %s

sherry.weight @o count 2 from ["o.{}"] rows [8] : tensor<8x4xbf16>

// CHECK-LABEL: func @either_side
func.func @either_side(%a: tensor<?x4xf32>, %x: tensor<?x8xf32>, %layer: index) -> tensor<?x8xf32> {
  // CHECK: %[[R:.*]] = sherry.linear %{{.*}}, @o[%{{.*}}] plus %{{.*}} : tensor<?x4xf32> plus tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: sherry.linear %{{.*}}, @o[%{{.*}}] plus %[[R]] :
  // CHECK-NOT: arith.addf
  %y = sherry.linear %a, @o[%layer] : tensor<?x4xf32> -> tensor<?x8xf32>
  %r = arith.addf %x, %y : tensor<?x8xf32>
  %z = sherry.linear %a, @o[%layer] : tensor<?x4xf32> -> tensor<?x8xf32>
  %s = arith.addf %z, %r : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// What is added is computed after the linear op.
// CHECK-LABEL: func @later
func.func @later(%a: tensor<?x4xf32>, %x: tensor<?x8xf32>, %layer: index) -> tensor<?x8xf32> {
  // CHECK: %[[D:.*]] = arith.addf
  // CHECK: sherry.linear %{{.*}}, @o[%{{.*}}] plus %[[D]] :
  %y = sherry.linear %a, @o[%layer] : tensor<?x4xf32> -> tensor<?x8xf32>
  %d = arith.addf %x, %x : tensor<?x8xf32>
  %r = arith.addf %y, %d : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// Only the addition is in the loop.
// CHECK-LABEL: func @loop
func.func @loop(%a: tensor<?x4xf32>, %x: tensor<?x8xf32>, %layer: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: sherry.linear
  // CHECK: scf.for
  // CHECK: arith.addf
  %y = sherry.linear %a, @o[%layer] : tensor<?x4xf32> -> tensor<?x8xf32>
  %r = scf.for %i = %zero to %layer step %one iter_args(%c = %x) -> (tensor<?x8xf32>) {
    %s = arith.addf %c, %y : tensor<?x8xf32>
    scf.yield %s : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}

// Something else reads the product.
// CHECK-LABEL: func @two_uses
func.func @two_uses(%a: tensor<?x4xf32>, %x: tensor<?x8xf32>, %layer: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: plus
  // CHECK: arith.addf
  %y = sherry.linear %a, @o[%layer] : tensor<?x4xf32> -> tensor<?x8xf32>
  %r = arith.addf %x, %y : tensor<?x8xf32>
  return %r, %y : tensor<?x8xf32>, tensor<?x8xf32>
}
