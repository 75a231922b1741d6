// Weights, encodings and types.
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

// expected-error @+1 {{blocks of contiguous activations must be multiples of 4 up to 256, not 6}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [6, 2]>>)

// -----

// expected-error @+1 {{blocks of contiguous activations must be multiples of 4 up to 256, not 260}}
func.func private @f(tensor<?x260xi8, #sherry.quantized<contiguous, [260]>>)

// -----

// expected-error @+1 {{bias must be 1 to 128, not 129}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [8] bias = 129>>)

// -----

// expected-error @+1 {{tables, scales of tokens and strided groups are for trits, whose bias is 1, not 8}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [8] bias = 8, tables = words>>)

// -----

// expected-error @+1 {{tables, scales of tokens and strided groups are for trits, whose bias is 1, not 8}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, per_token [8] bias = 8>>)

// -----

// expected-error @+1 {{tables, scales of tokens and strided groups are for trits, whose bias is 1, not 8}}
func.func private @f(tensor<?x64xi8, #sherry.quantized<strided, [64] bias = 8>>)

// -----

// expected-error @+1 {{blocks sum to 4, rows have 8}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [4]>>)

// -----

// expected-error @+1 {{#sherry.quantized encodes [tokens x inputs x i8]}}
func.func private @f(tensor<?x8xf32, #sherry.quantized<contiguous, [8]>>)

// -----

// expected-error @+1 {{group_size must be a multiple of 64 for strided groups, not 96}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x128x!sherry.trit, #sherry.ternary<strided, per_group(96), scale = f16>>

// -----

// expected-error @+1 {{blocks of strided activations must be multiples of 64 up to 256, not 32}}
func.func private @f(tensor<?x64xi8, #sherry.quantized<strided, [32, 32]>>)

// -----

// expected-error @+1 {{expected one of [words, nibbles] for how the codes of a step become bytes, got: bytes}}
func.func private @f(tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = bytes>>)
