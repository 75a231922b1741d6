// RUN: sherry-opt %s -sherry-shard=ranks=2 | FileCheck %s
// RUN: sherry-opt %s -sherry-shard=ranks=4 | FileCheck %s --check-prefix=FOUR
// RUN: sherry-opt %s -sherry-shard | FileCheck %s --check-prefix=ONE

// A layer and a head as they are after linear ops are fused and quantized.
// ONE-NOT: all_gather
// ONE-NOT: sherry.ranks
#blocks = #sherry.quantized<contiguous, [128, 128]>
#trits = #sherry.ternary<contiguous, per_group(128), scale = f16>
!cache = !sherry.kv_cache<2 x 4 x 32 x f32, max_context = 64>

// CHECK: !kv_cache = !sherry.kv_cache<2 x 2 x 32 x f32, max_context = 64>
// CHECK: module attributes {sherry.cache = !kv_cache, sherry.ranks = 2 : i64}
module attributes {sherry.cache = !cache} {
// CHECK: sherry.weight @embedding count 1 from ["e"] rows [256] of 2 ranks : tensor<256x256xbf16>
sherry.weight @embedding count 1 from ["e"] rows [512] : tensor<512x256xbf16>
// CHECK: sherry.weight @norm count 2 from ["n.{}"] rows [256] : tensor<256xf32>
sherry.weight @norm count 2 from ["n.{}"] rows [256] : tensor<256xf32>
// CHECK: sherry.weight @qkv count 2 from ["q.{}", "k.{}", "v.{}"] rows [128, 64, 64] of 2 ranks : tensor<256x256x!sherry.trit
sherry.weight @qkv count 2 from ["q.{}", "k.{}", "v.{}"] rows [256, 128, 128] : tensor<512x256x!sherry.trit, #trits>
// CHECK: sherry.weight @q_bias count 2 from ["qb.{}"] rows [128] of 2 ranks : tensor<128xf32>
sherry.weight @q_bias count 2 from ["qb.{}"] rows [256] : tensor<256xf32>
// CHECK: sherry.weight @head_norm count 2 from ["hn.{}"] rows [32] : tensor<32xf32>
sherry.weight @head_norm count 2 from ["hn.{}"] rows [32] : tensor<32xf32>
sherry.weight @o count 2 from ["o.{}"] rows [256] : tensor<256x256x!sherry.trit, #trits>
// CHECK: sherry.weight @gate_up count 2 from ["g.{}", "u.{}"] rows [256, 256] of 2 ranks : tensor<512x256x!sherry.trit
sherry.weight @gate_up count 2 from ["g.{}", "u.{}"] rows [512, 512] : tensor<1024x256x!sherry.trit, #trits>
sherry.weight @sub_norm count 2 from ["sn.{}"] rows [512] : tensor<512xf32>
sherry.weight @down count 2 from ["d.{}"] rows [256] : tensor<256x512x!sherry.trit, #trits>

// The layers carry a rank's columns.
// CHECK-LABEL: func private @layer(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x128xf32>, {{.*}}: !kv_cache
// CHECK-SAME: -> tensor<?x128xf32>
func.func private @layer(%x: tensor<?x256xf32>, %angles: tensor<?x32xf32>, %positions: tensor<?xi32>, %sequences: tensor<?xi32>, %cache: !cache, %layer: index) -> tensor<?x256xf32> {
  %c0 = arith.constant 0 : index
  // CHECK: %[[ALL:.*]] = sherry.all_gather %[[X]] : tensor<?x128xf32> -> tensor<?x256xf32>
  // CHECK: %[[N:.*]] = sherry.rms_norm %[[ALL]], @norm
  // CHECK: %[[Q:.*]] = sherry.quantize_activations %[[N]] : tensor<?x256xf32> -> tensor<?x256xi8
  // CHECK: sherry.linear %[[Q]], @qkv{{.*}} -> tensor<?x256xf32>
  %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x256xf32>
  %nq = sherry.quantize_activations %n : tensor<?x256xf32> -> tensor<?x256xi8, #blocks>
  %qkv = sherry.linear %nq, @qkv[%layer] : tensor<?x256xi8, #blocks> -> tensor<?x512xf32>
  %rows = tensor.dim %nq, %c0 : tensor<?x256xi8, #blocks>
  // CHECK: tensor.extract_slice %{{.*}}[0, 0] [%{{.*}}, 128] [1, 1]
  // CHECK: tensor.extract_slice %{{.*}}[0, 128] [%{{.*}}, 64] [1, 1]
  // CHECK: tensor.extract_slice %{{.*}}[0, 192] [%{{.*}}, 64] [1, 1]
  %q = tensor.extract_slice %qkv[0, 0] [%rows, 256] [1, 1] : tensor<?x512xf32> to tensor<?x256xf32>
  %k = tensor.extract_slice %qkv[0, 256] [%rows, 128] [1, 1] : tensor<?x512xf32> to tensor<?x128xf32>
  %v = tensor.extract_slice %qkv[0, 384] [%rows, 128] [1, 1] : tensor<?x512xf32> to tensor<?x128xf32>
  // CHECK: sherry.add_bias %{{.*}}, @q_bias[%{{.*}}] : tensor<?x128xf32>
  // CHECK: sherry.rms_norm %{{.*}}, @head_norm{{.*}} : tensor<?x128xf32>
  %b = sherry.add_bias %q, @q_bias[%layer] : tensor<?x256xf32>
  %h = sherry.rms_norm %b, @head_norm[%layer] epsilon 1.0e-5 : tensor<?x256xf32>
  %qr = sherry.rope %h, %angles : tensor<?x256xf32>, tensor<?x32xf32>
  %kr = sherry.rope %k, %angles : tensor<?x128xf32>, tensor<?x32xf32>
  sherry.update_cache %kr, %v, %cache[%layer] at %positions of %sequences : tensor<?x128xf32>, !cache
  // Blocks within ranks are exchanged as values and scales.
  // CHECK: %[[A:.*]] = sherry.attention %{{.*}} : tensor<?x128xf32>, !kv_cache
  // CHECK: %[[P:.*]] = sherry.quantize_activations %[[A]] : tensor<?x128xf32> -> tensor<?x128xi8, #quantized{{.*}}>
  // CHECK: %[[O:.*]] = sherry.all_gather %[[P]] : tensor<?x128xi8, #quantized{{.*}}> -> tensor<?x256xi8, #quantized{{.*}}>
  // CHECK: sherry.linear %[[O]], @o[%{{.*}}] plus %[[X]] : {{.*}} plus tensor<?x128xf32> -> tensor<?x128xf32>
  // Four ranks have half of a block each: the numbers are exchanged first.
  // FOUR: %[[A:.*]] = sherry.attention %{{.*}} : tensor<?x64xf32>
  // FOUR: %[[W:.*]] = sherry.all_gather %[[A]] : tensor<?x64xf32> -> tensor<?x256xf32>
  // FOUR: sherry.quantize_activations %[[W]] : tensor<?x256xf32> -> tensor<?x256xi8
  %a = sherry.attention %qr, %cache[%layer] at %positions of %sequences : tensor<?x256xf32>, !cache
  %aq = sherry.quantize_activations %a : tensor<?x256xf32> -> tensor<?x256xi8, #blocks>
  %o = sherry.linear %aq, @o[%layer] plus %x : tensor<?x256xi8, #blocks> plus tensor<?x256xf32> -> tensor<?x256xf32>
  // CHECK: sherry.all_gather %{{.*}} : tensor<?x128xf32> -> tensor<?x256xf32>
  %m = sherry.rms_norm %o, @norm[%layer] epsilon 1.0e-5 : tensor<?x256xf32>
  %mq = sherry.quantize_activations %m : tensor<?x256xf32> -> tensor<?x256xi8, #blocks>
  %gu = sherry.linear %mq, @gate_up[%layer] : tensor<?x256xi8, #blocks> -> tensor<?x1024xf32>
  %g = tensor.extract_slice %gu[0, 0] [%rows, 512] [1, 1] : tensor<?x1024xf32> to tensor<?x512xf32>
  %u = tensor.extract_slice %gu[0, 512] [%rows, 512] [1, 1] : tensor<?x1024xf32> to tensor<?x512xf32>
  // A norm of whole rows needs them whole.
  // CHECK: %[[S:.*]] = sherry.swiglu %{{.*}} : tensor<?x256xf32>
  // CHECK: %[[SA:.*]] = sherry.all_gather %[[S]] : tensor<?x256xf32> -> tensor<?x512xf32>
  // CHECK: sherry.rms_norm %[[SA]], @sub_norm
  %s = sherry.swiglu %g, %u : tensor<?x512xf32>
  %sn = sherry.rms_norm %s, @sub_norm[%layer] epsilon 1.0e-5 : tensor<?x512xf32>
  %sq = sherry.quantize_activations %sn : tensor<?x512xf32> -> tensor<?x512xi8, #sherry.quantized<contiguous, [128, 128, 128, 128]>>
  %d = sherry.linear %sq, @down[%layer] plus %o : tensor<?x512xi8, #sherry.quantized<contiguous, [128, 128, 128, 128]>> plus tensor<?x256xf32> -> tensor<?x256xf32>
  return %d : tensor<?x256xf32>
}

// What the model gives is whole.
// CHECK-LABEL: func @forward(
// CHECK-SAME: -> (tensor<?x512xf32>, tensor<?x256xf32>)
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %sequences: tensor<?xi32>, %cache: !cache, %n: index, %m: index) -> (tensor<?x512xf32>, tensor<?x256xf32>) {
  // CHECK: %[[E:.*]] = sherry.embedding %[[T:.*]], @embedding : tensor<?xi32> -> tensor<?x256xf32>
  // CHECK: %[[EA:.*]] = sherry.all_gather %[[E]] : tensor<?x256xf32> -> tensor<?x512xf32>
  // CHECK: %[[X:.*]] = sherry.pick_owned %[[EA]], %[[T]] of 2 ranks rows 256 : tensor<?x512xf32> -> tensor<?x128xf32>
  %x = sherry.embedding %tokens, @embedding : tensor<?xi32> -> tensor<?x256xf32>
  %angles = sherry.rope_table %positions theta 1.0e4 : tensor<?x32xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[X]]) -> (tensor<?x128xf32>)
  %y = scf.for %l = %c0 to %c2 step %c1 iter_args(%carried = %x) -> (tensor<?x256xf32>) {
    // CHECK: func.call @layer
    %z = func.call @layer(%carried, %angles, %positions, %sequences, %cache, %l) : (tensor<?x256xf32>, tensor<?x32xf32>, tensor<?xi32>, tensor<?xi32>, !cache, index) -> tensor<?x256xf32>
    scf.yield %z : tensor<?x256xf32>
  }
  // Of the last tokens only.
  // CHECK: %[[LAST:.*]] = sherry.last_tokens %{{.*}} : tensor<?x128xf32>
  // CHECK: sherry.all_gather %[[LAST]] : tensor<?x128xf32> -> tensor<?x256xf32>
  %last = sherry.last_tokens %y, %m : tensor<?x256xf32>
  %h = sherry.rms_norm %last, @norm[%c0] epsilon 1.0e-5 : tensor<?x256xf32>
  %r = sherry.last_tokens %h, %n : tensor<?x256xf32>
  // CHECK: %[[L:.*]] = sherry.linear %{{.*}}, @embedding : tensor<?x256xf32> -> tensor<?x256xf32>
  // CHECK: sherry.all_gather %[[L]] : tensor<?x256xf32> -> tensor<?x512xf32>
  %logits = sherry.linear %r, @embedding : tensor<?x256xf32> -> tensor<?x512xf32>
  return %logits, %h : tensor<?x512xf32>, tensor<?x256xf32>
}
}
