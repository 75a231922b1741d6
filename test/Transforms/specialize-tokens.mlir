// RUN: sherry-opt %s -sherry-attach-target=max-block=16 -sherry-specialize-tokens | FileCheck %s
// RUN: sherry-opt %s '-sherry-attach-target=max-block=8 lookup-tokens=8' -sherry-specialize-tokens | FileCheck %s --check-prefix=FEW

// For 1, 2, 4 tokens, and for a block.
// FEW-DAG: @decode({{.*}} attributes {sherry.max_tokens = 1 : i64}
// FEW-DAG: @decode_2({{.*}} attributes {sherry.max_tokens = 2 : i64}
// FEW-DAG: @decode_4({{.*}} attributes {sherry.max_tokens = 4 : i64}
// FEW-DAG: @prefill({{.*}} attributes {sherry.max_tokens = 8 : i64}
// FEW-NOT: @decode_8

// CHECK-NOT: @forward
// CHECK: func.func private @decode_layer({{.*}} attributes {sherry.max_tokens = 1 : i64}
func.func private @layer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
// CHECK: func.func @decode({{.*}} attributes {sherry.max_tokens = 1 : i64}
// CHECK: call @decode_layer
// CHECK: func.func private @prefill_layer({{.*}} attributes {sherry.max_tokens = 16 : i64}
// CHECK: func.func @prefill({{.*}} attributes {sherry.max_tokens = 16 : i64}
// CHECK: call @prefill_layer
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = call @layer(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
