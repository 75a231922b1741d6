// RUN: sherry-opt %s -split-input-file -verify-diagnostics

func.func @range(%n: index, %team: !sherry.team) {
  // expected-error@+1 {{the body takes the two ends of a range}}
  sherry.step %team to %n {
  ^bb0(%begin: index):
  }
  return
}

// -----

func.func @grain(%n: index, %team: !sherry.team) -> (index, index) {
  // expected-error@+1 {{attribute 'grain' failed to satisfy constraint}}
  %b, %e = sherry.take %team to %n grain -1 number 0
  return %b, %e : index, index
}

// -----

sherry.weight @n count 1 from ["n"] rows [8] : tensor<8xf32>
func.func @heads(%x: tensor<?x32xf32>) -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> {
  // expected-error@+1 {{weight 'tensor<8xf32>' does not fit}}
  %q = sherry.quantize_norm %x, @n epsilon 1.0e-5 : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  return %q : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
}

// -----

func.func @per_token(%x: tensor<?x32xf32>) -> tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>> {
  // expected-error@+1 {{quantizes blocks before a token is whole}}
  %q = sherry.quantize_swiglu %x, %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
  return %q : tensor<?x32xi8, #sherry.quantized<contiguous, per_token [32]>>
}

// -----

func.func @shape(%x: tensor<?x32xf32>) -> tensor<?x16xi8, #sherry.quantized<contiguous, [16]>> {
  // expected-error@+1 {{cannot quantize 'tensor<?x32xf32>'}}
  %q = sherry.quantize_swiglu %x, %x : tensor<?x32xf32> -> tensor<?x16xi8, #sherry.quantized<contiguous, [16]>>
  return %q : tensor<?x16xi8, #sherry.quantized<contiguous, [16]>>
}

// -----

!cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>
func.func @table(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %table: tensor<?x4xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>) -> tensor<?x32xf32> {
  // expected-error@+1 {{queries, keys, values and table do not fit}}
  %a = sherry.attend %q, %k, %k with %table, %cache[%layer] at %at of %at : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x4xf32>, !cache -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
}

// -----

!cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>
func.func @result(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>) -> tensor<?x16xf32> {
  // expected-error@+1 {{the result is 'tensor<?x16xf32>' for queries of 'tensor<?x32xf32>'}}
  %a = sherry.attend %q, %k, %k with %table, %cache[%layer] at %at of %at : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x8xf32>, !cache -> tensor<?x16xf32>
  return %a : tensor<?x16xf32>
}

// -----

!cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>
func.func @blocks(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>) -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> {
  // expected-error@+1 {{blocks must have one size, and belong to one head of keys each}}
  %a = sherry.attend %q, %k, %k with %table, %cache[%layer] at %at of %at : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x8xf32>, !cache -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  return %a : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
}
