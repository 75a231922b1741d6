// Graph ops.
// RUN: sherry-opt %s -split-input-file -verify-diagnostics

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
  // expected-error @+1 {{takes activations in #sherry.quantized<contiguous, [32, 32] bias = 128>, not #sherry.quantized<contiguous, [64]>}}
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

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
func.func @other_order(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = nibbles>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{looks nothing up in tables for '3:4' codes in the order nibbles}}
  %y = sherry.linear %q, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = nibbles>> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x32x!sherry.q8_0>
func.func @no_codes(%q: tensor<?x32xi8, #sherry.quantized<contiguous, [32], tables = words>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{takes activations in #sherry.quantized<contiguous, [32] bias = 128>, not #sherry.quantized<contiguous, [32], tables = words>}}
  %y = sherry.linear %q, @w : tensor<?x32xi8, #sherry.quantized<contiguous, [32], tables = words>> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @scales_of_blocks(%x: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [32, 32]>>) -> tensor<?x8xf32> {
  // expected-error @+1 {{takes activations in #sherry.quantized<contiguous, [32, 32] bias = 128>, not #sherry.quantized<contiguous, per_token [32, 32]>}}
  %0 = sherry.linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, per_token [32, 32]>> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.q8_0>

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
