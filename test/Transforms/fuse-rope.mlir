// RUN: sherry-opt %s -sherry-fuse-rope -split-input-file | FileCheck %s

// CHECK-LABEL: func @neighbours
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xf32>, %[[TABLE:.*]]: tensor<?x8xf32>)
func.func @neighbours(%x: tensor<?x32xf32>, %table: tensor<?x8xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x32xf32>
  %q = tensor.extract_slice %x[0, 0] [%rows, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %k = tensor.extract_slice %x[0, 16] [%rows, 8] [1, 1] : tensor<?x32xf32> to tensor<?x8xf32>
  %v = tensor.extract_slice %x[0, 24] [%rows, 8] [1, 1] : tensor<?x32xf32> to tensor<?x8xf32>
  // CHECK: %[[BOTH:.*]] = tensor.extract_slice %[[X]][0, 0] [%[[ROWS:.*]], 24] [1, 1]
  // CHECK: %[[ROTATED:.*]] = sherry.rope %[[BOTH]], %[[TABLE]] : tensor<?x24xf32>, tensor<?x8xf32>
  // CHECK-DAG: tensor.extract_slice %[[ROTATED]][0, 0] [%[[ROWS]], 16] [1, 1]
  // CHECK-DAG: tensor.extract_slice %[[ROTATED]][0, 16] [%[[ROWS]], 8] [1, 1]
  // CHECK-NOT: sherry.rope
  %a = sherry.rope %q, %table : tensor<?x16xf32>, tensor<?x8xf32>
  %b = sherry.rope %k, %table : tensor<?x8xf32>, tensor<?x8xf32>
  return %a, %b, %v : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Columns between them, another order, another table: they stay.
// CHECK-LABEL: func @apart
func.func @apart(%x: tensor<4x32xf32>, %table: tensor<4x8xf32>, %other: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = tensor.extract_slice %x[0, 0] [4, 8] [1, 1] : tensor<4x32xf32> to tensor<4x8xf32>
  %1 = tensor.extract_slice %x[0, 8] [4, 8] [1, 1] : tensor<4x32xf32> to tensor<4x8xf32>
  %2 = tensor.extract_slice %x[0, 16] [4, 8] [1, 1] : tensor<4x32xf32> to tensor<4x8xf32>
  // CHECK-COUNT-4: sherry.rope %{{.*}} : tensor<4x8xf32>
  %a = sherry.rope %1, %table : tensor<4x8xf32>, tensor<4x8xf32>
  %b = sherry.rope %0, %table : tensor<4x8xf32>, tensor<4x8xf32>
  %c = sherry.rope %2, %table : tensor<4x8xf32>, tensor<4x8xf32>
  %d = sherry.rope %1, %other : tensor<4x8xf32>, tensor<4x8xf32>
  return %a, %b, %c, %d : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Other rows of the same columns.
// CHECK-LABEL: func @rows
func.func @rows(%x: tensor<4x16xf32>, %table: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %0 = tensor.extract_slice %x[0, 0] [2, 8] [1, 1] : tensor<4x16xf32> to tensor<2x8xf32>
  %1 = tensor.extract_slice %x[2, 8] [2, 8] [1, 1] : tensor<4x16xf32> to tensor<2x8xf32>
  // CHECK-COUNT-2: sherry.rope %{{.*}} : tensor<2x8xf32>
  %a = sherry.rope %0, %table : tensor<2x8xf32>, tensor<2x8xf32>
  %b = sherry.rope %1, %table : tensor<2x8xf32>, tensor<2x8xf32>
  return %a, %b : tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

// As many rows as another number says, which may be fewer.
// CHECK-LABEL: func @counts
func.func @counts(%x: tensor<?x16xf32>, %table: tensor<?x8xf32>, %m: index, %n: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = tensor.extract_slice %x[0, 0] [%m, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %1 = tensor.extract_slice %x[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  // CHECK-COUNT-2: sherry.rope %{{.*}} : tensor<?x8xf32>
  %a = sherry.rope %0, %table : tensor<?x8xf32>, tensor<?x8xf32>
  %b = sherry.rope %1, %table : tensor<?x8xf32>, tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Slices of a tensor of another rank, whose second dimension has no columns.
// CHECK-LABEL: func @ranks
func.func @ranks(%x: tensor<4x16x8xf32>, %table: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = tensor.extract_slice %x[0, 0, 0] [4, 1, 8] [1, 1, 1] : tensor<4x16x8xf32> to tensor<4x8xf32>
  %1 = tensor.extract_slice %x[0, 8, 0] [4, 1, 8] [1, 1, 1] : tensor<4x16x8xf32> to tensor<4x8xf32>
  // CHECK-COUNT-2: sherry.rope %{{.*}} : tensor<4x8xf32>
  %a = sherry.rope %0, %table : tensor<4x8xf32>, tensor<4x8xf32>
  %b = sherry.rope %1, %table : tensor<4x8xf32>, tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}
