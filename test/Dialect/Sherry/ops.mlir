// RUN: sherry-opt %s --verify-roundtrip | FileCheck %s

// CHECK-DAG: #[[Q:.*]] = #sherry.quantized<contiguous, [16, 16]>
// CHECK-DAG: #[[STRIDED:.*]] = #sherry.quantized<strided, [64]>
// CHECK-DAG: #quantized{{[0-9]*}} = #sherry.quantized<contiguous, per_token [32, 32]>
// CHECK-DAG: #quantized{{[0-9]*}} = #sherry.quantized<contiguous, [64], tables = nibbles <"dense">>
// CHECK-DAG: #[[TABLES:.*]] = #sherry.quantized<strided, [64], tables = nibbles>
// CHECK-DAG: #[[WORDS:layout[0-9]*]] = #sherry.layout<words, interleave = 4>
// CHECK-DAG: #[[NIBBLES:layout[0-9]*]] = #sherry.layout<nibbles, interleave = 1>
// CHECK-DAG: #[[T0:.*]] = #sherry.ternary<contiguous, per_group(16), scale = f16>
// CHECK-DAG: #[[T1:.*]] = #sherry.ternary<contiguous, per_channel, scale = f32, layout = #[[WORDS]]>
// CHECK-DAG: #[[T2:.*]] = #sherry.ternary<strided, per_tensor, scale = f16, layout = #[[NIBBLES]]>
// CHECK-DAG: #[[T3:.*]] = #sherry.ternary<codebook = <"dense">, contiguous, per_group(16), scale = f16>

// CHECK-LABEL: sherry.weight @embedding count 1 from ["e"] rows [64]
// CHECK-SAME: tensor<64x32x!sherry.q8_0>
sherry.weight @embedding count 1 from ["e"] rows [64] : tensor<64x32x!sherry.q8_0>
// CHECK: tensor<64x32x!sherry.q6_K>
sherry.weight @six count 1 from ["e"] rows [64] : tensor<64x32x!sherry.q6_K>
// CHECK: tensor<64x32x!sherry.q4_0>
sherry.weight @four count 1 from ["e"] rows [64] : tensor<64x32x!sherry.q4_0>
// CHECK: sherry.weight @norm count 2 from ["n.{}"] rows [32] : tensor<32xf32>
sherry.weight @norm count 2 from ["n.{}"] rows [32] : tensor<32xf32>
// CHECK: sherry.weight @head count 1 from ["h"] rows [64] at 128 stride 4096 : tensor<64x32xbf16>
sherry.weight @head count 1 from ["h"] rows [64] at 128 stride 4096 : tensor<64x32xbf16>
// CHECK: tensor<32x32x!sherry.trit, #[[T0]]>
sherry.weight @q count 2 from ["q.{}"] rows [32]
    : tensor<32x32x!sherry.trit, #sherry.ternary<contiguous, per_group(16), scale = f16>>
// CHECK: tensor<16x32x!sherry.trit, #[[T1]]>
sherry.weight @kv count 2 from ["k.{}", "v.{}"] rows [8, 8]
    : tensor<16x32x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 4>>>
// CHECK: tensor<4x64x!sherry.trit, #[[T2]]>
sherry.weight @strided count 1 from ["s"] rows [4]
    : tensor<4x64x!sherry.trit, #sherry.ternary<strided, per_tensor, scale = f16, layout = <nibbles, interleave = 1>>>
// CHECK: tensor<4x64x!sherry.trit, #[[T3]]>
sherry.weight @dense count 1 from ["d"] rows [4]
    : tensor<4x64x!sherry.trit, #sherry.ternary<codebook = <"dense">, contiguous, per_group(16), scale = f16>>

// CHECK-LABEL: func @graph
func.func @graph(%tokens: tensor<?xi32>,
                 %cache: !sherry.kv_cache<2 x 1 x 8 x f32, max_context = 16>,
                 %positions: tensor<?xi32>, %sequences: tensor<?xi32>,
                 %layer: index) -> tensor<?x64xf32> {
  // CHECK: sherry.embedding %{{.*}}, @embedding : tensor<?xi32> -> tensor<?x32xf32>
  %x = sherry.embedding %tokens, @embedding : tensor<?xi32> -> tensor<?x32xf32>
  // CHECK: sherry.rope_table %{{.*}} theta 1.000000e+04 : tensor<?x8xf32>
  %plain = sherry.rope_table %positions theta 1.0e4 : tensor<?x8xf32>
  // CHECK: sherry.rope_table {{.*}} scaling <factor = 3.200000e+01 : f64, low_freq_factor = 1.000000e+00 : f64, high_freq_factor = 4.000000e+00 : f64, original_context = 8192>
  %table = sherry.rope_table %positions theta 5.0e5
      scaling <factor = 32.0 : f64, low_freq_factor = 1.0 : f64, high_freq_factor = 4.0 : f64, original_context = 8192>
      : tensor<?x8xf32>
  // CHECK: sherry.rope_table %{{.*}} theta 1.000000e+06 divisors [1.000000e+00, 1.000000e+00, 2.500000e+00, 4.000000e+00] magnitude 1.125000e+00 : tensor<?x8xf32>
  %yarn = sherry.rope_table %positions theta 1.0e6 divisors [1.0, 1.0, 2.5, 4.0]
      magnitude 1.125 : tensor<?x8xf32>
  // CHECK: sherry.rms_norm %{{.*}}, @norm[%{{.*}}] epsilon 9.99999974E-6 : tensor<?x32xf32>
  %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x32xf32>
  // CHECK: sherry.linear %{{.*}}, @q[%{{.*}}] : tensor<?x32xf32> -> tensor<?x32xf32>
  %q = sherry.linear %n, @q[%layer] : tensor<?x32xf32> -> tensor<?x32xf32>
  // CHECK: sherry.quantize_activations %{{.*}} : tensor<?x32xf32> -> tensor<?x32xi8, #[[Q]]>
  %v = sherry.quantize_activations %n : tensor<?x32xf32>
      -> tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16]>>
  // CHECK: sherry.linear %{{.*}}, @q[%{{.*}}] : tensor<?x32xi8, #[[Q]]> -> tensor<?x32xf32>
  %q8 = sherry.linear %v, @q[%layer]
      : tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16]>> -> tensor<?x32xf32>
  // CHECK: sherry.linear %{{.*}}, @q[%{{.*}}] plus %{{.*}} : tensor<?x32xi8, #[[Q]]> plus tensor<?x32xf32> -> tensor<?x32xf32>
  %p = sherry.linear %v, @q[%layer] plus %x
      : tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16]>> plus tensor<?x32xf32> -> tensor<?x32xf32>
  // CHECK: sherry.rope %{{.*}}, %{{.*}} : tensor<?x32xf32>, tensor<?x8xf32>
  %r = sherry.rope %q, %table : tensor<?x32xf32>, tensor<?x8xf32>
  %k = tensor.extract_slice %r[0, 0] [4, 8] [1, 1] : tensor<?x32xf32> to tensor<4x8xf32>
  // CHECK: sherry.update_cache %{{.*}}, %{{.*}}, %{{.*}}[%{{.*}}] at %{{.*}} of %{{.*}} : tensor<4x8xf32>, !kv_cache
  sherry.update_cache %k, %k, %cache[%layer] at %positions of %sequences
      : tensor<4x8xf32>, !sherry.kv_cache<2 x 1 x 8 x f32, max_context = 16>
  // CHECK: sherry.attention %{{.*}}, %{{.*}}[%{{.*}}] at %{{.*}} of %{{.*}} : tensor<?x32xf32>, !kv_cache
  %a = sherry.attention %r, %cache[%layer] at %positions of %sequences
      : tensor<?x32xf32>, !sherry.kv_cache<2 x 1 x 8 x f32, max_context = 16>
  // CHECK: sherry.swiglu %{{.*}}, %{{.*}} : tensor<?x32xf32>
  %g0 = sherry.swiglu %a, %q8 : tensor<?x32xf32>
  // CHECK: sherry.swiglu %{{.*}}, %{{.*}} activation relu2 : tensor<?x32xf32>
  %g = sherry.swiglu %g0, %q8 activation relu2 : tensor<?x32xf32>
  // CHECK: sherry.last_tokens %{{.*}}, %{{.*}} : tensor<?x32xf32>
  %l = sherry.last_tokens %g, %layer : tensor<?x32xf32>
  // CHECK: sherry.linear %{{.*}}, @head : tensor<?x32xf32> -> tensor<?x64xf32>
  %y = sherry.linear %l, @head : tensor<?x32xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @per_token
// CHECK-SAME: tensor<?x64xi8, #quantized{{[0-9]*}}>
func.func @per_token(%x: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [32, 32]>>) {
  return
}

// CHECK-LABEL: func @dense_tables
// CHECK-SAME: tensor<1x64xi8, #quantized{{[0-9]*}}>
func.func @dense_tables(%x: tensor<1x64xi8, #sherry.quantized<contiguous, [64], tables = nibbles <"dense">>>) {
  return
}

// CHECK-LABEL: func @kernel
func.func @kernel(%words: memref<8x32xi16>, %halves: memref<8x2x16xi8>, %i: index,
                  %codes: vector<32xi16>, %nibbles: vector<32xi8>, %dwords: vector<16xi32>,
                  %four: vector<4xi8>, %acc: vector<16xi32>) -> vector<16xi32> {
  // CHECK: sherry.build_table %{{.*}} : vector<4xi8> -> vector<32xi16>
  %t32 = sherry.build_table %four : vector<4xi8> -> vector<32xi16>
  // CHECK: sherry.build_table %{{.*}} : vector<4xi8> -> vector<16xi16>
  %t16 = sherry.build_table %four : vector<4xi8> -> vector<16xi16>
  // CHECK: sherry.build_table %{{.*}} codebook <"dense"> : vector<4xi8> -> vector<32xi16>
  %dense = sherry.build_table %four codebook <"dense"> : vector<4xi8> -> vector<32xi16>
  // CHECK: sherry.build_table %{{.*}} : vector<4xi8> -> vector<32xi16>
  %same = sherry.build_table %four codebook <"3:4"> : vector<4xi8> -> vector<32xi16>
  // CHECK: sherry.lookup %{{.*}}[%{{.*}}], %{{.*}} : memref<8x32xi16>, vector<32xi16>
  %l = sherry.lookup %words[%i], %codes : memref<8x32xi16>, vector<32xi16>
  // CHECK: sherry.lookup_halves %{{.*}}[%{{.*}}], %{{.*}} : memref<8x2x16xi8>, vector<32xi8> -> vector<16xi16>
  %a, %b = sherry.lookup_halves %halves[%i], %nibbles : memref<8x2x16xi8>, vector<32xi8> -> vector<16xi16>
  // CHECK: sherry.apply_sign %{{.*}}, %{{.*}} : vector<16xi16>
  %s = sherry.apply_sign %a, %b : vector<16xi16>
  // CHECK: sherry.decode_block %{{.*}} bias 1 : vector<16xi32> -> vector<64xi8>
  %biased = sherry.decode_block %dwords bias 1 : vector<16xi32> -> vector<64xi8>
  // CHECK: sherry.decode_block %{{.*}} : vector<16xi32> -> vector<64xi8>
  %w = sherry.decode_block %dwords : vector<16xi32> -> vector<64xi8>
  // CHECK: sherry.decode_block %{{.*}} codebook <"dense"> bias 1 : vector<16xi32> -> vector<64xi8>
  %three = sherry.decode_block %dwords codebook <"dense"> bias 1 : vector<16xi32> -> vector<64xi8>
  // CHECK: sherry.decode_block %{{.*}} codebook <"2:6"> first 4 bias 1 : vector<16xi32> -> vector<64xi8>
  %last = sherry.decode_block %dwords codebook <"2:6"> first 4 bias 1 : vector<16xi32> -> vector<64xi8>
  // CHECK: %{{.*}}, %{{.*}} = sherry.decode_nibbles %{{.*}}, %{{.*}} codebook <"dense"> bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  %low, %high = sherry.decode_nibbles %nibbles, %nibbles codebook <"dense"> bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  // CHECK: sherry.dot_accumulate %{{.*}}, %{{.*}}, %{{.*}} {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  %d = sherry.dot_accumulate %w, %four, %acc {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK: sherry.dot_pairs %{{.*}}, %{{.*}}, %{{.*}} : vector<64xi8>, vector<4xi8>, vector<32xi16>
  %e = sherry.dot_pairs %w, %four, %l : vector<64xi8>, vector<4xi8>, vector<32xi16>
  // CHECK: sherry.add_pairs %{{.*}}, %{{.*}} : vector<32xi16>, vector<16xi32>
  %f = sherry.add_pairs %e, %d : vector<32xi16>, vector<16xi32>
  return %d : vector<16xi32>
}

// CHECK-LABEL: func @team
func.func @team(%team: !sherry.team, %n: index) -> index {
  // CHECK: sherry.thread %{{.*}}
  %i = sherry.thread %team
  // CHECK: sherry.step %{{.*}} to %{{.*}} attributes {grain = 8 : i64, step = {op = "rope"}} {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  sherry.step %team to %n attributes {grain = 8 : i64, step = {op = "rope"}} {
  ^bb0(%begin: index, %end: index):
  }
  // CHECK: sherry.take %{{.*}} to %{{.*}} grain 8 number -1
  %b, %e = sherry.take %team to %n grain 8 number -1
  return %i : index
}

sherry.weight @bias count 2 from ["b.{}"] rows [64] : tensor<64xf32>
sherry.weight @head_norm count 1 from ["n"] rows [16] : tensor<16xf32>
// CHECK-LABEL: func @other_models
func.func @other_models(%x: tensor<?x64xf32>, %layer: index)
    -> tensor<?x64xi8, #sherry.quantized<strided, [64]>> {
  // CHECK: sherry.add_bias %{{.*}}, @bias[%{{.*}}] : tensor<?x64xf32>
  %b = sherry.add_bias %x, @bias[%layer] : tensor<?x64xf32>
  // CHECK: sherry.rms_norm %{{.*}}, @head_norm epsilon
  %n = sherry.rms_norm %b, @head_norm epsilon 1.0e-5 : tensor<?x64xf32>
  // CHECK: sherry.quantize_activations %{{.*}} : tensor<?x64xf32> -> tensor<?x64xi8, #[[STRIDED]]>
  %v = sherry.quantize_activations %n
      : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<strided, [64]>>
  // CHECK: sherry.quantize_activations %{{.*}} : tensor<?x64xf32> -> tensor<?x64xi8, #[[TABLES]]>
  %t = sherry.quantize_activations %n : tensor<?x64xf32>
      -> tensor<?x64xi8, #sherry.quantized<strided, [64], tables = nibbles>>
  return %v : tensor<?x64xi8, #sherry.quantized<strided, [64]>>
}

// CHECK-LABEL: func @multiply_panel
func.func @multiply_panel(%p: memref<64x2x64xi8>, %v: memref<128x2112xi8>, %i: index, %s: memref<32x32xi32>) {
  // CHECK: sherry.multiply_panel %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} {groups = 32 : i64} : memref<64x2x64xi8>, memref<128x2112xi8>, memref<32x32xi32>
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 32} : memref<64x2x64xi8>, memref<128x2112xi8>, memref<32x32xi32>
  return
}

// CHECK-LABEL: func @packed_codes
func.func @packed_codes(%t: memref<8x2x16xi8>, %i: index, %b: vector<320xi8>, %s: vector<32xi16>) -> (vector<16x2x64xi8>, vector<32xi16>) {
  // CHECK: sherry.unpack_codes %{{.*}} nibbles bias 1 : vector<320xi8> -> vector<16x2x64xi8>
  %p = sherry.unpack_codes %b nibbles bias 1 : vector<320xi8> -> vector<16x2x64xi8>
  // CHECK: sherry.lookup_codes %{{.*}}[%{{.*}}], %{{.*}}, %{{.*}} {groups = 16 : i64} : memref<8x2x16xi8>, vector<320xi8>, vector<32xi16>
  %r = sherry.lookup_codes %t[%i], %b, %s {groups = 16 : i64} : memref<8x2x16xi8>, vector<320xi8>, vector<32xi16>
  return %p, %r : vector<16x2x64xi8>, vector<32xi16>
}

// Six inputs: 32 entries, and 64 bytes of signs.
// CHECK-LABEL: func @codes_of_six
func.func @codes_of_six(%t: memref<16x2x16xi8>, %i: index, %b: vector<384xi8>, %s: vector<32xi16>, %eight: vector<8xi8>) -> (vector<24x2x64xi8>, vector<32xi16>) {
  // CHECK: sherry.build_table %{{.*}} codebook <"2:6"> : vector<8xi8> -> vector<32xi16>
  %table = sherry.build_table %eight codebook <"2:6"> : vector<8xi8> -> vector<32xi16>
  // CHECK: sherry.unpack_codes %{{.*}} nibbles codebook <"2:6"> bias 1 : vector<384xi8> -> vector<24x2x64xi8>
  %p = sherry.unpack_codes %b nibbles codebook <"2:6"> bias 1 : vector<384xi8> -> vector<24x2x64xi8>
  // CHECK: sherry.lookup_codes %{{.*}}[%{{.*}}], %{{.*}}, %{{.*}} codebook <"2:6"> {groups = 16 : i64} : memref<16x2x16xi8>, vector<384xi8>, vector<32xi16>
  %r = sherry.lookup_codes %t[%i], %b, %s codebook <"2:6"> {groups = 16 : i64} : memref<16x2x16xi8>, vector<384xi8>, vector<32xi16>
  return %p, %r : vector<24x2x64xi8>, vector<32xi16>
}

// CHECK-LABEL: func @reduce
func.func @reduce(%x: vector<5xf32>, %y: vector<16xi32>) -> (f32, i32) {
  // CHECK: sherry.reduce add %{{.*}} : vector<5xf32>
  %0 = sherry.reduce add %x : vector<5xf32>
  // CHECK: sherry.reduce max %{{.*}} : vector<16xi32>
  %1 = sherry.reduce max %y : vector<16xi32>
  return %0, %1 : f32, i32
}
