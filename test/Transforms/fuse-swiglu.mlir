// RUN: sherry-opt %s -sherry-fuse-swiglu -split-input-file | FileCheck %s

sherry.weight @gate_up count 1 from ["g", "u"] rows [128, 128] : tensor<256x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @prefill(
// CHECK: sherry.gated_linear %{{.*}}, @gate_up : tensor<?x64xi8, #quantized{{[0-9]*}}> -> tensor<?x128xi8, #quantized{{[0-9]*}}>
// CHECK-NOT: sherry.swiglu
// CHECK: return
func.func @prefill(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// CHECK-LABEL: func @relu2(
// CHECK: sherry.gated_linear %{{.*}}, @gate_up activation relu2 : tensor<?x64xi8, #quantized{{[0-9]*}}> -> tensor<?x128xi8, #quantized{{[0-9]*}}>
func.func @relu2(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b activation relu2 : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// Scales of whole tokens need all outputs first.
// CHECK-LABEL: func @per_token(
// CHECK: sherry.swiglu
func.func @per_token(%q: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, per_token [128]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, per_token [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, per_token [128]>>
}

// One token: its weights are read in their order.
// CHECK-LABEL: func @decode(
// CHECK: sherry.swiglu
func.func @decode(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 1 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// The sides are exchanged.
// CHECK-LABEL: func @exchanged(
// CHECK: sherry.swiglu
func.func @exchanged(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// Too many rows for a cache.
// CHECK-LABEL: func @many(
// CHECK: sherry.swiglu
func.func @many(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 1024 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// The second row is the first of the gates.
// CHECK-LABEL: func @rows(
// CHECK: sherry.swiglu
func.func @rows(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[1, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// -----

// A part of a super-tile is left.
sherry.weight @gate_up count 1 from ["g", "u"] rows [96, 96] : tensor<192x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @rest(
// CHECK: sherry.swiglu
func.func @rest(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x96xi8, #sherry.quantized<contiguous, [96]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x192xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 96] [1, 1] : tensor<?x192xf32> to tensor<?x96xf32>
  %b = tensor.extract_slice %y[0, 96] [%n, 96] [1, 1] : tensor<?x192xf32> to tensor<?x96xf32>
  %h = sherry.swiglu %a, %b : tensor<?x96xf32>
  %v = sherry.quantize_activations %h : tensor<?x96xf32> -> tensor<?x96xi8, #sherry.quantized<contiguous, [96]>>
  return %v : tensor<?x96xi8, #sherry.quantized<contiguous, [96]>>
}

// -----

// The blocks have two sizes.
sherry.weight @gate_up count 1 from ["g", "u"] rows [192, 192] : tensor<384x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @sizes(
// CHECK: sherry.swiglu
func.func @sizes(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>, %n: index) -> tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>> attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x384xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 192] [1, 1] : tensor<?x384xf32> to tensor<?x192xf32>
  %b = tensor.extract_slice %y[0, 192] [%n, 192] [1, 1] : tensor<?x384xf32> to tensor<?x192xf32>
  %h = sherry.swiglu %a, %b : tensor<?x192xf32>
  %v = sherry.quantize_activations %h : tensor<?x192xf32> -> tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
  return %v : tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
}

// -----

module attributes {sherry.schedule = #sherry.schedule<lookup_tokens = 2>} {
sherry.weight @gate_up count 1 from ["g", "u"] rows [128, 128] : tensor<256x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// So are the weights of a few tokens that are looked up; more of them are a block.
// CHECK-LABEL: func @few(
// CHECK: sherry.swiglu
func.func @few(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 2 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}

// CHECK-LABEL: func @block(
// CHECK: sherry.gated_linear
func.func @block(%q: tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>>, %n: index) -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>> attributes {sherry.max_tokens = 4 : i64} {
  %y = sherry.linear %q, @gate_up : tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v = sherry.quantize_activations %h : tensor<?x128xf32> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return %v : tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
}
}
