// RUN: sherry-opt %s -sherry-select-layout -split-input-file | FileCheck %s

// CHECK-DAG: #[[NIBBLES:layout[0-9]*]] = #sherry.layout<nibbles, interleave = 4>
// CHECK-DAG: #[[WORDS:layout[0-9]*]] = #sherry.layout<words, interleave = 1>
// CHECK-DAG: #[[CHOSEN:ternary[0-9]*]] = #sherry.ternary<{{.*}} layout = #[[NIBBLES]]>
// CHECK-DAG: #[[KEPT:ternary[0-9]*]] = #sherry.ternary<{{.*}} layout = #[[WORDS]]>
// CHECK: @chosen {{.*}}, #[[CHOSEN]]>
module attributes {sherry.schedule = #sherry.schedule<interleave = 4, order = nibbles>} {
  sherry.weight @chosen count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
  // A layout that is there stays, and other weights have none.
  // CHECK: @kept {{.*}}, #[[KEPT]]>
  sherry.weight @kept count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
  // CHECK: @dense {{.*}} : tensor<4x8xbf16>
  sherry.weight @dense count 1 from ["w"] rows [4] : tensor<4x8xbf16>
}

// -----

// CHECK: #[[LAYOUT:.*]] = #sherry.layout<words, interleave = 1>
// CHECK: #[[TERNARY:.*]] = #sherry.ternary<{{.*}} layout = #[[LAYOUT]]>
// CHECK: @any_cpu {{.*}}, #[[TERNARY]]>
sherry.weight @any_cpu count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// What looks codes up gets tables for their order; where a weight has another
// order, its input is quantized apart.
module attributes {sherry.schedule = #sherry.schedule<order = words, lookup_tokens = 2>} {
  sherry.weight @a count 1 from ["a"] rows [4] : tensor<4x32x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
  sherry.weight @b count 1 from ["b"] rows [4] : tensor<4x32x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <nibbles, interleave = 1>>>
  sherry.weight @dense count 1 from ["d"] rows [4] : tensor<4x32x!sherry.q8_0>
  // CHECK-DAG: #[[WORDS:.*]] = #sherry.quantized<contiguous, [32], tables = words>
  // CHECK-DAG: #[[NIBBLES:.*]] = #sherry.quantized<contiguous, [32], tables = nibbles>
  // CHECK-DAG: #[[NONE:.*]] = #sherry.quantized<contiguous, [32]>
  // CHECK-DAG: #[[BLOCKS:.*]] = #sherry.quantized<contiguous, [32] bias = 128>
  // CHECK-LABEL: @decode
  func.func @decode(%x: tensor<?x32xf32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 1 : i64} {
    // CHECK-DAG: %[[W:.*]] = sherry.quantize_activations {{.*}} #[[WORDS]]>
    // CHECK-DAG: %[[N:.*]] = sherry.quantize_activations {{.*}} #[[NIBBLES]]>
    // CHECK-DAG: %[[D:.*]] = sherry.quantize_activations {{.*}} #[[BLOCKS]]>
    %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
    %d = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>>
    // CHECK: sherry.linear %[[W]], @a
    // CHECK: sherry.linear %[[N]], @b
    // CHECK: sherry.linear %[[D]], @dense
    %1 = sherry.linear %q, @a : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> -> tensor<?x4xf32>
    %2 = sherry.linear %q, @b plus %1 : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> plus tensor<?x4xf32> -> tensor<?x4xf32>
    %3 = sherry.linear %d, @dense plus %2 : tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>> plus tensor<?x4xf32> -> tensor<?x4xf32>
    return %3 : tensor<?x4xf32>
  }
  // Few tokens have them, too, as many as lookup_tokens.
  // CHECK-LABEL: @decode_2
  func.func @decode_2(%x: tensor<?x32xf32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 2 : i64} {
    // CHECK: sherry.quantize_activations {{.*}} #[[WORDS]]>
    %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
    %1 = sherry.linear %q, @a : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> -> tensor<?x4xf32>
    return %1 : tensor<?x4xf32>
  }
  // Several tokens have none.
  // CHECK-LABEL: @prefill
  func.func @prefill(%x: tensor<?x32xf32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 8 : i64} {
    // CHECK: sherry.quantize_activations {{.*}} #[[NONE]]>
    // CHECK-NOT: sherry.quantize_activations
    %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
    %1 = sherry.linear %q, @a : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> -> tensor<?x4xf32>
    return %1 : tensor<?x4xf32>
  }
}

// -----

// More tokens have tables up to lookup_block; not for codes of three inputs.
module attributes {sherry.schedule = #sherry.schedule<lookup_tokens = 2, lookup_block = 12>} {
  sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x32x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
  sherry.weight @three count 1 from ["t"] rows [4] : tensor<4x32x!sherry.trit, #sherry.ternary<codebook = <"dense">, contiguous, per_channel, scale = f16>>
  // CHECK-DAG: #[[TABLES:.*]] = #sherry.quantized<contiguous, [32], tables = words>
  // CHECK-DAG: #[[NONE:.*]] = #sherry.quantized<contiguous, [32]>
  // CHECK-LABEL: @block
  func.func @block(%x: tensor<?x32xf32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 12 : i64} {
    // CHECK-DAG: %[[T:.*]] = sherry.quantize_activations {{.*}} #[[TABLES]]>
    // CHECK-DAG: %[[N:.*]] = sherry.quantize_activations {{.*}} #[[NONE]]>
    %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
    // CHECK: sherry.linear %[[T]], @w
    // CHECK: sherry.linear %[[N]], @three
    %1 = sherry.linear %q, @w : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> -> tensor<?x4xf32>
    %2 = sherry.linear %q, @three plus %1 : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> plus tensor<?x4xf32> -> tensor<?x4xf32>
    return %2 : tensor<?x4xf32>
  }
  // CHECK-LABEL: @prefill
  func.func @prefill(%x: tensor<?x32xf32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 16 : i64} {
    // CHECK: sherry.quantize_activations {{.*}} #[[NONE]]>
    %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
    %1 = sherry.linear %q, @w : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> -> tensor<?x4xf32>
    return %1 : tensor<?x4xf32>
  }
}
