// RUN: sherry-opt %s -sherry-convert-to-loops -split-input-file -verify-diagnostics

// expected-error@+2 {{needs the attribute sherry.max_tokens: run sherry-specialize-tokens first}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// -----

// expected-error@+1 {{has no offset: run sherry-place-weights first}}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x8xbf16>

// -----

// expected-error@+1 {{has no layout: run sherry-select-layout first}}
sherry.weight @w count 1 from ["w"] rows [8] at 0 stride 128 : tensor<8x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// expected-error@+2 {{cannot pass 'f64' to a kernel}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @argument(%x: f64) attributes {sherry.max_tokens = 1 : i64} {
  return
}

// -----

// expected-error@+2 {{the cache of 1024 sequences of 16777216 positions exceeds 2^63 bytes}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @cache(%x: !sherry.kv_cache<4096 x 65536 x 256 x f32, max_context = 16777216>) attributes {sherry.max_tokens = 1 : i64} {
  return
}

// -----

// expected-error@+2 {{cannot return 'index' from a kernel}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @result(%x: index) -> index attributes {sherry.max_tokens = 1 : i64} {
  return %x : index
}

// -----

func.func @whole_columns(%x: tensor<?x8xf32>, %n: index) -> tensor<?x4xf32> attributes {sherry.max_tokens = 8 : i64} {
  // expected-error@+2 {{can only take whole columns}}
  // expected-error@+1 {{failed to legalize operation 'tensor.extract_slice'}}
  %y = tensor.extract_slice %x[1, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @unknown_op(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  // expected-error@+1 {{failed to legalize operation 'arith.negf'}}
  %y = arith.negf %x : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @columns(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  %c1 = arith.constant 1 : index
  // expected-error@+2 {{only the number of rows can be asked for}}
  // expected-error@+1 {{failed to legalize operation 'tensor.dim'}}
  %n = tensor.dim %x, %c1 : tensor<?x8xf32>
  return %x : tensor<?x8xf32>
}

// -----

func.func @returns_argument(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  // expected-error@+2 {{can only pass on values of the same block}}
  // expected-error@+1 {{failed to legalize operation 'func.return'}}
  return %x : tensor<?x8xf32>
}

// -----

func.func @starts_with_argument(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+2 {{must own the tensor that it starts with}}
  // expected-error@+1 {{failed to legalize operation 'scf.for'}}
  %y = scf.for %i = %c0 to %c1 step %c1 iter_args(%carried = %x) -> (tensor<?x8xf32>) {
    %z = arith.addf %carried, %carried : tensor<?x8xf32>
    scf.yield %z : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

func.func @two_carried(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = arith.addf %x, %x : tensor<?x8xf32>
  %b = arith.addf %x, %x : tensor<?x8xf32>
  // expected-error@+2 {{must carry exactly one tensor of activations}}
  // expected-error@+1 {{failed to legalize operation 'scf.for'}}
  %y:2 = scf.for %i = %c0 to %c1 step %c1 iter_args(%p = %a, %q = %b) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    scf.yield %q, %p : tensor<?x8xf32>, tensor<?x8xf32>
  }
  return %y#0 : tensor<?x8xf32>
}

// -----

func.func private @callee(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) attributes {sherry.max_tokens = 8 : i64} {
  return
}
func.func @rows(%x: tensor<?x8xf32>, %n: index) attributes {sherry.max_tokens = 8 : i64} {
  %last = sherry.last_tokens %x, %n : tensor<?x8xf32>
  %y = arith.addf %last, %last : tensor<?x8xf32>
  // expected-error@+2 {{cannot pass tensors with different numbers of rows}}
  // expected-error@+1 {{failed to legalize operation 'func.call'}}
  call @callee(%x, %y) : (tensor<?x8xf32>, tensor<?x8xf32>) -> ()
  return
}

// -----

module attributes {sherry.weights_size = 1088 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 1088 : tensor<32x32x!sherry.q8_0>
// expected-error@+2 {{cannot pass 'tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>>' to a kernel}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @quantized(%values: tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %y = sherry.linear %values, @w : tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// expected-error@+2 {{cannot return 'tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>' from a kernel}}
// expected-error@+1 {{failed to legalize operation 'func.func'}}
func.func @quantized_result(%x: tensor<?x32xf32>) -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  return %values : tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] at 0 stride 8192 : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
func.func @f(%a: tensor<?x64xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %x = sherry.quantize_activations %a : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  // expected-error@+2 {{is for several tokens}}
  // expected-error@+1 {{failed to legalize operation 'sherry.gated_linear'}}
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  return
}

// -----

func.func @quantized_operand(%x: tensor<?x32xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>
  // expected-error@+2 {{cannot pass 'tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>'}}
  // expected-error@+1 {{failed to legalize operation 'func.call'}}
  call @callee(%q) : (tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>) -> ()
  return
}
func.func private @callee(tensor<?x32xi8, #sherry.quantized<contiguous, [32]>>)
