// RUN: sherry-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{group_size must be a positive multiple of 4, not 6}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_group(6), scale = f16>>

// -----

// expected-error @+1 {{group_size belongs to per_group scales only}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel(8), scale = f16>>

// -----

// expected-error @+1 {{scales are f16 or f32, not 'bf16'}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = bf16>>

// -----

// expected-error @+1 {{inputs must be a multiple of 4 for contiguous groups, not 6}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x6x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// expected-error @+1 {{inputs must be a multiple of 64 for strided groups, not 32}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x32x!sherry.trit, #sherry.ternary<strided, per_channel, scale = f16>>

// -----

// expected-error @+1 {{#sherry.ternary encodes !sherry.trit, not 'f32'}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xf32, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// expected-error @+1 {{a ternary weight is a static [outputs x inputs] matrix}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x4x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// expected-error @+2 {{failed to parse Sherry_TernaryAttr parameter 'layout'}}
// expected-error @+1 {{interleave must be 1 to 16, not 0}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 0>>>

// -----

// expected-error @+1 {{trits need the encoding #sherry.ternary}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit>

// -----

// expected-error @+1 {{inputs of a q8_0 weight must be a multiple of 4}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x7x!sherry.q8_0>

// -----

// expected-error @+1 {{inputs of a q6_K weight must be a multiple of 4}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x7x!sherry.q6_K>

// -----

// expected-error @+1 {{a matrix weight is !sherry.trit, of a block type such as !sherry.q8_0, bf16, f16 or f32, not 'f64'}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xf64>

// -----

// expected-error @+1 {{a vector weight has one source}}
sherry.weight @w count 1 from ["v", "w"] rows [4, 4] : tensor<8xf32>

// -----

// expected-error @+1 {{a vector weight is f32, not 'bf16'}}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8xbf16>

// -----

// expected-error @+1 {{a weight is a vector or a matrix}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x4xbf16>

// -----

// expected-error @+1 {{needs at least one source, and rows for each}}
sherry.weight @w count 1 from ["a", "b"] rows [4] : tensor<4x8xbf16>

// -----

// expected-error @+1 {{rows of the sources must sum to 4}}
sherry.weight @w count 1 from ["a", "b"] rows [2, 1] : tensor<4x8xbf16>

// -----

// expected-error @+1 {{rows of the sources must sum to 4}}
sherry.weight @w count 1 from ["a", "b"] rows [4, -1] : tensor<4x8xbf16>

// -----

// expected-error @+1 {{offset and stride must not be negative}}
sherry.weight @w count 1 from ["w"] rows [8] at -64 stride 64 : tensor<8xf32>

// -----

// expected-error @+1 {{high_freq_factor must exceed low_freq_factor}}
func.func private @f() attributes {x = #sherry.llama3_rope<factor = 8.0 : f64, low_freq_factor = 4.0 : f64, high_freq_factor = 4.0 : f64, original_context = 8192>}

// -----

// expected-error @+1 {{rope scaling parameters must be positive}}
func.func private @f() attributes {x = #sherry.llama3_rope<factor = 0.0 : f64, low_freq_factor = 1.0 : f64, high_freq_factor = 4.0 : f64, original_context = 8192>}

// -----

// expected-error @+1 {{sizes of a kv_cache must be positive}}
func.func private @f(!sherry.kv_cache<0 x 1 x 8 x f32, max_context = 16>)

// -----

// expected-error @+1 {{a kv_cache holds f32, f16 or i8, not 'bf16'}}
func.func private @f(!sherry.kv_cache<1 x 1 x 8 x bf16, max_context = 16>)

// -----

// expected-error @+1 {{a kv_cache of i8 needs a head_dim that is a multiple of 16 and at most 256, not 8}}
func.func private @f(!sherry.kv_cache<1 x 1 x 8 x i8, max_context = 16>)

// -----

func.func @f(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{there is no sherry.weight @w}}
  %y = sherry.linear %x, @w : tensor<?x8xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 2 from ["w.{}"] rows [4] : tensor<4x8xbf16>
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{weight @w has 2 layers: name one}}
  %y = sherry.linear %x, @w : tensor<?x8xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xbf16>
func.func @f(%x: tensor<?x12xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{does not take 'tensor<?x12xf32>' to 'tensor<?x4xf32>'}}
  %y = sherry.linear %x, @w : tensor<?x12xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xbf16>
func.func @f(%x: tensor<?x8xi8, #sherry.quantized<contiguous, [8]>>) -> tensor<?x4xf32> {
  // expected-error @+1 {{weights that are not in blocks take f32 input}}
  %y = sherry.linear %x, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8]>> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x64x!sherry.q8_0>
func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) -> tensor<?x4xf32> {
  // expected-error @+1 {{takes activations in #sherry.quantized<contiguous, [32, 32]>, not #sherry.quantized<contiguous, [64]>}}
  %y = sherry.linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8xf32>
func.func @f(%t: tensor<?xi32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{the embedding must be a matrix}}
  %y = sherry.embedding %t, @w : tensor<?xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xbf16>
func.func @f(%t: tensor<?xi32>) -> tensor<?x12xf32> {
  // expected-error @+1 {{rows of 8 do not give 'tensor<?x12xf32>'}}
  %y = sherry.embedding %t, @w : tensor<?xi32> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [12] : tensor<12xf32>
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{weight 'tensor<12xf32>' does not fit 'tensor<?x8xf32>'}}
  %y = sherry.rms_norm %x, @w epsilon 1.0e-5 : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8xf32>
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{epsilon must be positive}}
  %y = sherry.rms_norm %x, @w epsilon 0.0 : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// expected-error @+1 {{blocks of contiguous activations must be multiples of 4 up to 256, not 6}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [6, 2]>>)

// -----

// expected-error @+1 {{blocks of contiguous activations must be multiples of 4 up to 256, not 260}}
func.func private @f(tensor<?x260xi8, #sherry.quantized<contiguous, [260]>>)

// -----

// expected-error @+1 {{blocks sum to 4, rows have 8}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [4]>>)

// -----

// expected-error @+1 {{#sherry.quantized encodes [tokens x inputs x i8]}}
func.func private @f(tensor<?x8xf32, #sherry.quantized<contiguous, [8]>>)

// -----

func.func @f(%x: tensor<?x8xi8>) {
  // expected-error @+1 {{operand #0 must be rows of f32 or quantized activations, but got 'tensor<?x8xi8>'}}
  %y = sherry.linear %x, @w : tensor<?x8xi8> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{cannot quantize 'tensor<?x8xf32>' to 'tensor<?x12xi8, #sherry.quantized<contiguous, [12]>>'}}
  %v = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x12xi8, #sherry.quantized<contiguous, [12]>>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{rows hold as many cosines as sines}}
  %y = sherry.rope_table %p theta 1.0e4 : tensor<?x7xf32>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{theta must be positive}}
  %y = sherry.rope_table %p theta -1.0 : tensor<?x8xf32>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{divisors must be positive, one for each cosine}}
  %y = sherry.rope_table %p theta 1.0e4 divisors [1.0, 1.0] : tensor<?x8xf32>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{divisors must be positive, one for each cosine}}
  %y = sherry.rope_table %p theta 1.0e4 divisors [1.0, 0.0] : tensor<?x4xf32>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{has scaling or divisors, not both}}
  %y = sherry.rope_table %p theta 1.0e4 scaling <factor = 2.0 : f64, low_freq_factor = 1.0 : f64, high_freq_factor = 4.0 : f64, original_context = 8192> divisors [1.0, 1.0] : tensor<?x4xf32>
  return
}

// -----

func.func @f(%p: tensor<?xi32>) {
  // expected-error @+1 {{magnitude must be positive}}
  %y = sherry.rope_table %p theta 1.0e4 magnitude 0.0 : tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x20xf32>, %t: tensor<?x8xf32>) {
  // expected-error @+1 {{rows of 20 are not heads of 8}}
  %y = sherry.rope %x, %t : tensor<?x20xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @f(%k: tensor<?x8xf32>, %c: !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 16>, %i: index, %n: tensor<?xi32>) {
  // expected-error @+1 {{rows of kv_heads * head_dim = 16}}
  sherry.update_cache %k, %k, %c[%i] at %n of %n : tensor<?x8xf32>, !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 16>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %c: !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 16>, %i: index, %n: tensor<?xi32>) {
  // expected-error @+1 {{rows of 24 are not a multiple of kv_heads * head_dim = 16}}
  %y = sherry.attention %q, %c[%i] at %n of %n : tensor<?x24xf32>, !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 16>
  return
}

// -----

func.func @f(%t: memref<8x16xi16>, %i: index, %c: vector<32xi16>) {
  // expected-error @+1 {{tables have 32 entries}}
  %y = sherry.lookup %t[%i], %c : memref<8x16xi16>, vector<32xi16>
  return
}

// -----

func.func @f(%t: memref<8x1x16xi8>, %i: index, %c: vector<32xi8>) {
  // expected-error @+1 {{tables have 2 x 16 bytes}}
  %a, %b = sherry.lookup_halves %t[%i], %c : memref<8x1x16xi8>, vector<32xi8> -> vector<16xi16>
  return
}

// -----

func.func @f(%w: vector<64xi8>, %a: vector<4xi8>, %c: vector<16xi32>) {
  // expected-error @+1 {{attribute 'max_weight' failed to satisfy constraint}}
  %y = sherry.dot_accumulate %w, %a, %c {max_weight = 256 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return
}

// -----

// expected-error @+1 {{group_size must be a multiple of 64 for strided groups, not 96}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x128x!sherry.trit, #sherry.ternary<strided, per_group(96), scale = f16>>

// -----

// expected-error @+1 {{blocks of strided activations must be multiples of 64 up to 256, not 32}}
func.func private @f(tensor<?x64xi8, #sherry.quantized<strided, [32, 32]>>)

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<strided, per_channel, scale = f16>>
func.func @f(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %q = sherry.quantize_activations %x : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  // expected-error @+1 {{takes activations in #sherry.quantized<strided, [64]>, not #sherry.quantized<contiguous, [64]>}}
  %y = sherry.linear %q, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @b count 1 from ["b"] rows [4] : tensor<4xf32>
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{does not fit}}
  %y = sherry.add_bias %x, @b : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8xbf16>
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{cannot add 'tensor<?x8xf32>' to 'tensor<?x4xf32>'}}
  %y = sherry.linear %x, @w plus %x : tensor<?x8xf32> plus tensor<?x8xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) {
  // expected-error @+1 {{does not take 'tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>' to 'tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>'}}
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  return
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16>>
func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) {
  // expected-error @+1 {{outputs must be whole super-tiles of a ternary weight, and whole blocks of one size}}
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  return
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) {
  // expected-error @+1 {{outputs must be whole super-tiles of a ternary weight, and whole blocks of one size}}
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x64xi8, #sherry.quantized<contiguous, [32, 16, 16]>>
  return
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
sherry.weight @down count 1 from ["w"] rows [32] : tensor<32x64x!sherry.trit, #sherry.ternary<strided, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) -> tensor<?x32xf32> {
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  // expected-error @+1 {{takes activations in #sherry.quantized<strided, [64]>, not #sherry.quantized<contiguous, [64]>}}
  %y = sherry.linear %v, @down : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

func.func @f(%p: memref<64x2x64xi8, strided<[256, 128, 1]>>, %v: memref<32x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{a panel has groups x 2 x 64 bytes}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8, strided<[256, 128, 1]>>, memref<32x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{groups must be a multiple of 16 that the panel has}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 8} : memref<64x2x64xi8>, memref<32x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8>, %i: index, %s: memref<8x32xi32>) {
  // expected-error @+1 {{sums have a multiple of 16 rows of 32}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<32x64xi8>, memref<8x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<8x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{values must have a row for each of sums, and four bytes for each group}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<8x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8, strided<[1, 64]>>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{rows must be contiguous}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<32x64xi8, strided<[1, 64]>>, memref<16x32xi32>
  return
}

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
func.func @other_order(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = nibbles>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{looks nothing up in tables for '3:4' codes in the order nibbles}}
  %y = sherry.linear %q, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = nibbles>> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x32x!sherry.q8_0>
func.func @no_codes(%q: tensor<?x32xi8, #sherry.quantized<contiguous, [32], tables = words>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{looks nothing up in tables for '3:4' codes in the order words}}
  %y = sherry.linear %q, @w : tensor<?x32xi8, #sherry.quantized<contiguous, [32], tables = words>> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// expected-error @+1 {{expected one of [words, nibbles] for how the codes of a step become bytes, got: bytes}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = bytes>>)

// -----

func.func @unpack_size(%b: vector<256xi8>) {
  // expected-error @+1 {{codes of 16 groups in the order words are 320 bytes, not 256}}
  %t = sherry.unpack_codes %b words : vector<256xi8> -> vector<16x2x64xi8>
  return
}

// -----

func.func @scales_of_blocks(%x: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [32, 32]>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{takes activations in #sherry.quantized<contiguous, [32, 32]>, not #sherry.quantized<contiguous, per_token [32, 32]>}}
  %0 = sherry.linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, per_token [32, 32]>> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.q8_0>

// -----

// expected-error @+1 {{only activations in i8 have scales}}
module attributes {sherry.numerics = #sherry.numerics<activations = f32, per_token = true>} {}

// -----

sherry.weight @w count 1 from ["w"] rows [64] : tensor<64x64x!sherry.trit, #sherry.ternary<strided, per_channel, scale = f16>>
func.func @strided_embedding(%t: tensor<?xi32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{the embedding cannot have strided groups}}
  %y = sherry.embedding %t, @w : tensor<?xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [64] : tensor<64x64x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
func.func @gates_of_tokens(%x: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>>) -> tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>> {
  // expected-error @+1 {{quantizes blocks before a token is whole}}
  %y = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>> -> tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
  return %y : tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
}
