// RUN: sherry-opt %s -sherry-fuse-linear -split-input-file | FileCheck %s

// CHECK: sherry.weight @q_k count 2 from ["q.{}", "k.{}"] rows [8, 4] : tensor<12x8x!sherry.trit
// CHECK-NOT: sherry.weight @q count
sherry.weight @q count 2 from ["q.{}"] rows [8] : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
sherry.weight @k count 2 from ["k.{}"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
// CHECK-LABEL: func @shared_input
func.func @shared_input(%x: tensor<?x8xf32>, %layer: index) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  // CHECK: %[[Y:.*]] = sherry.linear %{{.*}}, @q_k[%{{.*}}] : tensor<?x8xf32> -> tensor<?x12xf32>
  // CHECK: tensor.extract_slice %[[Y]][0, 0] [%{{.*}}, 8] [1, 1] : tensor<?x12xf32> to tensor<?x8xf32>
  // CHECK: tensor.extract_slice %[[Y]][0, 8] [%{{.*}}, 4] [1, 1] : tensor<?x12xf32> to tensor<?x4xf32>
  %q = sherry.linear %x, @q[%layer] : tensor<?x8xf32> -> tensor<?x8xf32>
  %k = sherry.linear %x, @k[%layer] : tensor<?x8xf32> -> tensor<?x4xf32>
  return %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
}

// -----

// One scale for the whole matrix: concatenation would change it.
sherry.weight @q count 1 from ["q"] rows [8] : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_tensor, scale = f16>>
sherry.weight @k count 1 from ["k"] rows [8] : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_tensor, scale = f16>>
// CHECK-LABEL: func @per_tensor
func.func @per_tensor(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: sherry.linear %{{.*}}, @q :
  // CHECK: sherry.linear %{{.*}}, @k :
  %q = sherry.linear %x, @q : tensor<?x8xf32> -> tensor<?x8xf32>
  %k = sherry.linear %x, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  return %q, %k : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Different kinds, and a weight that is used twice, stay.
sherry.weight @a count 1 from ["a"] rows [8] : tensor<8x8xbf16>
sherry.weight @b count 1 from ["b"] rows [8] : tensor<8x8x!sherry.q8_0>
sherry.weight @c count 1 from ["c"] rows [8] : tensor<8x8xbf16>
// CHECK-LABEL: func @unlike
func.func @unlike(%t: tensor<?xi32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %x = sherry.embedding %t, @c : tensor<?xi32> -> tensor<?x8xf32>
  // CHECK: sherry.linear %{{.*}}, @a :
  // CHECK: sherry.linear %{{.*}}, @b :
  // CHECK: sherry.linear %{{.*}}, @c :
  %a = sherry.linear %x, @a : tensor<?x8xf32> -> tensor<?x8xf32>
  %b = sherry.linear %x, @b : tensor<?x8xf32> -> tensor<?x8xf32>
  %c = sherry.linear %x, @c : tensor<?x8xf32> -> tensor<?x8xf32>
  return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
