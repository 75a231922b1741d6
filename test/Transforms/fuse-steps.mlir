// RUN: sherry-opt %s -sherry-fuse-steps | FileCheck %s

#blocks = #sherry.quantized<contiguous, [16, 16]>
!cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>

module attributes {sherry.schedule = #sherry.schedule<lookup_tokens = 2>} {
sherry.weight @norm count 2 from ["n.{}"] rows [32] : tensor<32xf32>
sherry.weight @head_norm count 1 from ["h"] rows [8] : tensor<8xf32>

// CHECK-LABEL: func @norm_of_blocks(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x32xf32>, %[[LAYER:.*]]: index
// CHECK: tensor.dim %[[X]]
// CHECK: sherry.quantize_norm %[[X]], @norm[%[[LAYER]]] epsilon 9.99999974E-6 : tensor<?x32xf32> -> tensor<?x32xi8, #{{.*}}>
// CHECK-NOT: sherry.rms_norm
func.func @norm_of_blocks(%x: tensor<?x32xf32>, %layer: index) -> (tensor<?x32xi8, #blocks>, index) attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x32xf32>
  %rows = tensor.dim %n, %c0 : tensor<?x32xf32>
  %q = sherry.quantize_activations %n : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return %q, %rows : tensor<?x32xi8, #blocks>, index
}

// Of heads, with another reader, of whole tokens, for many tokens: they stay.
// CHECK-LABEL: func @heads(
// CHECK: sherry.rms_norm
// CHECK: sherry.rms_norm
// CHECK: sherry.rms_norm
func.func @heads(%x: tensor<?x32xf32>, %layer: index) -> (tensor<?x32xi8, #blocks>, tensor<?x32xi8, #blocks>, tensor<?x32xf32>, tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>) attributes {sherry.max_tokens = 1 : i64} {
  %a = sherry.rms_norm %x, @head_norm epsilon 1.0e-5 : tensor<?x32xf32>
  %p = sherry.quantize_activations %a : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  %b = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x32xf32>
  %q = sherry.quantize_activations %b : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  %c = sherry.rms_norm %x, @norm[%layer] epsilon 2.0e-5 : tensor<?x32xf32>
  %r = sherry.quantize_activations %c : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
  return %p, %q, %b, %r : tensor<?x32xi8, #blocks>, tensor<?x32xi8, #blocks>, tensor<?x32xf32>, tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
}

// CHECK-LABEL: func @few(
// CHECK: sherry.quantize_norm
// CHECK-NOT: sherry.rms_norm
func.func @few(%x: tensor<?x32xf32>, %layer: index) -> tensor<?x32xi8, #blocks> attributes {sherry.max_tokens = 2 : i64} {
  %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x32xf32>
  %q = sherry.quantize_activations %n : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return %q : tensor<?x32xi8, #blocks>
}

// CHECK-LABEL: func @many(
// CHECK: sherry.rms_norm
// CHECK: sherry.quantize_activations
func.func @many(%x: tensor<?x32xf32>, %layer: index) -> tensor<?x32xi8, #blocks> attributes {sherry.max_tokens = 4 : i64} {
  %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x32xf32>
  %q = sherry.quantize_activations %n : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return %q : tensor<?x32xi8, #blocks>
}

// CHECK-LABEL: func @swiglu(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x32xf32>, %[[Y:[a-z0-9]*]]: tensor<?x32xf32>
// CHECK: sherry.quantize_swiglu %[[X]], %[[Y]] activation relu2 : tensor<?x32xf32> -> tensor<?x32xi8, #{{.*}}>
// CHECK-NOT: sherry.swiglu
func.func @swiglu(%x: tensor<?x32xf32>, %y: tensor<?x32xf32>) -> tensor<?x32xi8, #blocks> attributes {sherry.max_tokens = 1 : i64} {
  %h = sherry.swiglu %x, %y activation relu2 : tensor<?x32xf32>
  %q = sherry.quantize_activations %h : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return %q : tensor<?x32xi8, #blocks>
}

// CHECK-LABEL: func @attention(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x48xf32>, %[[V:[a-z0-9]*]]: tensor<?x16xf32>, %[[TABLE:[a-z0-9]*]]: tensor<?x8xf32>
// CHECK-NOT: sherry.rope
// CHECK-DAG: %[[Q:.*]] = tensor.extract_slice %[[X]][0, 0] [%{{.*}}, 32] [1, 1]
// CHECK-DAG: %[[K:.*]] = tensor.extract_slice %[[X]][0, 32] [%{{.*}}, 16] [1, 1]
// CHECK: %[[A:.*]] = sherry.attend %[[Q]], %[[K]], %[[V]] with %[[TABLE]], %{{.*}}[%{{.*}}] at %{{.*}} of %{{.*}} : {{.*}} -> tensor<?x32xi8, #{{.*}}>
// CHECK-NEXT: return %[[A]]
func.func @attention(%x: tensor<?x48xf32>, %v: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>, %of: tensor<?xi32>) -> tensor<?x32xi8, #blocks> attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x48xf32>
  %both = sherry.rope %x, %table : tensor<?x48xf32>, tensor<?x8xf32>
  %q = tensor.extract_slice %both[0, 0] [%rows, 32] [1, 1] : tensor<?x48xf32> to tensor<?x32xf32>
  %k = tensor.extract_slice %both[0, 32] [%rows, 16] [1, 1] : tensor<?x48xf32> to tensor<?x16xf32>
  sherry.update_cache %k, %v, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  %a = sherry.attention %q, %cache[%layer] at %at of %of : tensor<?x32xf32>, !cache
  %r = sherry.quantize_activations %a : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return %r : tensor<?x32xi8, #blocks>
}

// Rotated one by one; a block has two heads of keys.
// CHECK-LABEL: func @wide_blocks(
// CHECK-NOT: sherry.rope
// CHECK: %[[A:.*]] = sherry.attend {{.*}} -> tensor<?x32xf32>
// CHECK: sherry.quantize_activations %[[A]]
func.func @wide_blocks(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %v: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>, %of: tensor<?xi32>) -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> attributes {sherry.max_tokens = 1 : i64} {
  %x = sherry.rope %q, %table : tensor<?x32xf32>, tensor<?x8xf32>
  %y = sherry.rope %k, %table : tensor<?x16xf32>, tensor<?x8xf32>
  sherry.update_cache %y, %v, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  %a = sherry.attention %x, %cache[%layer] at %at of %of : tensor<?x32xf32>, !cache
  %r = sherry.quantize_activations %a : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  return %r : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
}

// Queries that are the keys, too: one rotation.
// CHECK-LABEL: func @same(
// CHECK-NOT: sherry.rope
// CHECK: sherry.attend
func.func @same(%q: tensor<?x16xf32>, %v: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>, %of: tensor<?xi32>) -> tensor<?x16xf32> attributes {sherry.max_tokens = 1 : i64} {
  %x = sherry.rope %q, %table : tensor<?x16xf32>, tensor<?x8xf32>
  sherry.update_cache %x, %v, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  %a = sherry.attention %x, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  return %a : tensor<?x16xf32>
}

// Queries that are not rotated, an update of another layer.
// CHECK-LABEL: func @others(
// CHECK: sherry.update_cache
// CHECK: sherry.attention
// CHECK: sherry.update_cache
// CHECK: sherry.attention
func.func @others(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %other: index, %at: tensor<?xi32>, %of: tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %x = sherry.rope %q, %table : tensor<?x32xf32>, tensor<?x8xf32>
  %y = sherry.rope %k, %table : tensor<?x16xf32>, tensor<?x8xf32>
  sherry.update_cache %y, %k, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  %a = sherry.attention %q, %cache[%layer] at %at of %of : tensor<?x32xf32>, !cache
  sherry.update_cache %y, %k, %cache[%other] at %at of %of : tensor<?x16xf32>, !cache
  %b = sherry.attention %x, %cache[%layer] at %at of %of : tensor<?x32xf32>, !cache
  return %a, %b : tensor<?x32xf32>, tensor<?x32xf32>
}

// Of two tokens, one may attend to the keys of the other.
// CHECK-LABEL: func @two_tokens(
// CHECK: sherry.update_cache
// CHECK: sherry.attention
func.func @two_tokens(%q: tensor<?x16xf32>, %v: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>, %of: tensor<?xi32>) -> tensor<?x16xf32> attributes {sherry.max_tokens = 2 : i64} {
  %x = sherry.rope %q, %table : tensor<?x16xf32>, tensor<?x8xf32>
  sherry.update_cache %x, %v, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  %a = sherry.attention %x, %cache[%layer] at %at of %of : tensor<?x16xf32>, !cache
  return %a : tensor<?x16xf32>
}
}
