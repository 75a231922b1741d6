// RUN: sherry-opt %s -sherry-quantize-activations -cse | FileCheck %s
// RUN: sed '1i module attributes {sherry.numerics = #sherry.numerics<activations = i8, per_token = true>} {' %s | sed '$a }' \
// RUN:   | sherry-opt -sherry-quantize-activations -cse | FileCheck %s --check-prefix=TOKEN
// Ternary weights only: blocks of other types have scales of their own.
// TOKEN-DAG: #[[TOKENS:.*]] = #sherry.quantized<contiguous, per_token [256, 44, 256, 44]>
// TOKEN-DAG: #[[OTHERS:.*]] = #sherry.quantized<contiguous, [32, 32,
// TOKEN: sherry.quantize_activations {{.*}}, #[[TOKENS]]>
// TOKEN: sherry.quantize_activations {{.*}}, #[[OTHERS]]>

// CHECK-DAG: #[[CHUNKS:.*]] = #sherry.quantized<contiguous, [256, 44, 256, 44]>
// CHECK-DAG: #[[BLOCKS:.*]] = #sherry.quantized<contiguous, [32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 24] bias = 128>
// CHECK-DAG: #[[STRIDED:.*]] = #sherry.quantized<strided, [256]>
// CHECK-DAG: #[[CONTIGUOUS:.*]] = #sherry.quantized<contiguous, [256]>

sherry.weight @t count 1 from ["t"] rows [8] : tensor<8x600x!sherry.trit, #sherry.ternary<contiguous, per_group(300), scale = f16>>
sherry.weight @u count 1 from ["u"] rows [8] : tensor<8x600x!sherry.trit, #sherry.ternary<contiguous, per_group(300), scale = f16>>
sherry.weight @q8 count 1 from ["q8"] rows [8] : tensor<8x600x!sherry.q8_0>
sherry.weight @dense count 1 from ["d"] rows [8] : tensor<8x600xbf16>

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[X:.*]]: tensor<?x600xf32>)
func.func @f(%x: tensor<?x600xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // Chunks of at most 256 inputs inside a scale group, shared by both weights.
  // CHECK: %[[V:.*]] = sherry.quantize_activations %[[X]] : tensor<?x600xf32> -> tensor<?x600xi8, #[[CHUNKS]]>
  // CHECK-NEXT: sherry.linear %[[V]], @t
  // CHECK-NEXT: sherry.linear %[[V]], @u
  %t = sherry.linear %x, @t : tensor<?x600xf32> -> tensor<?x8xf32>
  %u = sherry.linear %x, @u : tensor<?x600xf32> -> tensor<?x8xf32>
  // Blocks of 32, the last one shorter.
  // CHECK: sherry.quantize_activations %[[X]] : tensor<?x600xf32> -> tensor<?x600xi8, #[[BLOCKS]]>
  // CHECK-NEXT: sherry.linear {{.*}}, @q8
  %q = sherry.linear %x, @q8 : tensor<?x600xf32> -> tensor<?x8xf32>
  // CHECK: sherry.linear %[[X]], @dense : tensor<?x600xf32>
  %d = sherry.linear %x, @dense : tensor<?x600xf32> -> tensor<?x8xf32>
  return %t, %u, %q, %d : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

sherry.weight @strided count 1 from ["s"] rows [8] : tensor<8x256x!sherry.trit, #sherry.ternary<strided, per_group(256), scale = f16>>
sherry.weight @contiguous count 1 from ["c"] rows [8] : tensor<8x256x!sherry.trit, #sherry.ternary<contiguous, per_group(256), scale = f16>>

// Groups of another order need values of another order.
// CHECK-LABEL: func @groups
func.func @groups(%x: tensor<?x256xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[V:.*]] = sherry.quantize_activations {{.*}} -> tensor<?x256xi8, #[[STRIDED]]>
  // CHECK: sherry.linear %[[V]], @strided
  %s = sherry.linear %x, @strided : tensor<?x256xf32> -> tensor<?x8xf32>
  // CHECK: %[[W:.*]] = sherry.quantize_activations {{.*}} -> tensor<?x256xi8, #[[CONTIGUOUS]]>
  // CHECK: sherry.linear %[[W]], @contiguous
  %c = sherry.linear %x, @contiguous : tensor<?x256xf32> -> tensor<?x8xf32>
  return %s, %c : tensor<?x8xf32>, tensor<?x8xf32>
}
