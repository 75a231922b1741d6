// RUN: sherry-opt %s -sherry-fuse-swiglu -split-input-file | FileCheck %s

sherry.weight @gate_up count 1 from ["g", "u"] rows [128, 128] : tensor<256x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @prefill(
// CHECK: sherry.gated_linear %{{.*}} scaled %{{.*}} sums %{{.*}}, @gate_up blocks [128] : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
// CHECK-NOT: sherry.swiglu
// CHECK: return
func.func @prefill(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128] : tensor<?x128xf32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// One token: its weights are read in their order.
// CHECK-LABEL: func @decode(
// CHECK: sherry.swiglu
func.func @decode(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 1 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128] : tensor<?x128xf32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// The sides are exchanged.
// CHECK-LABEL: func @exchanged(
// CHECK: sherry.swiglu
func.func @exchanged(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128] : tensor<?x128xf32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// Too many rows for a cache.
// CHECK-LABEL: func @many(
// CHECK: sherry.swiglu
func.func @many(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 1024 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128] : tensor<?x128xf32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// The second row is the first of the gates.
// CHECK-LABEL: func @rows(
// CHECK: sherry.swiglu
func.func @rows(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x256xf32>
  %a = tensor.extract_slice %y[1, 0] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %b = tensor.extract_slice %y[0, 128] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = sherry.swiglu %a, %b : tensor<?x128xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128] : tensor<?x128xf32> -> tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x128xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// -----

// A part of a super-tile is left.
sherry.weight @gate_up count 1 from ["g", "u"] rows [96, 96] : tensor<192x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @rest(
// CHECK: sherry.swiglu
func.func @rest(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x96xi8>, tensor<?x1xf32>, tensor<?x1xi32>) attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x192xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 96] [1, 1] : tensor<?x192xf32> to tensor<?x96xf32>
  %b = tensor.extract_slice %y[0, 96] [%n, 96] [1, 1] : tensor<?x192xf32> to tensor<?x96xf32>
  %h = sherry.swiglu %a, %b : tensor<?x96xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [96] : tensor<?x96xf32> -> tensor<?x96xi8>, tensor<?x1xf32>, tensor<?x1xi32>
  return %v, %t, %w : tensor<?x96xi8>, tensor<?x1xf32>, tensor<?x1xi32>
}

// -----

// The blocks have two sizes.
sherry.weight @gate_up count 1 from ["g", "u"] rows [192, 192] : tensor<384x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>

// CHECK-LABEL: func @sizes(
// CHECK: sherry.swiglu
func.func @sizes(%q: tensor<?x64xi8>, %s: tensor<?x1xf32>, %u: tensor<?x1xi32>, %n: index) -> (tensor<?x192xi8>, tensor<?x2xf32>, tensor<?x2xi32>) attributes {sherry.max_tokens = 8 : i64} {
  %y = sherry.linear %q scaled %s sums %u, @gate_up : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x384xf32>
  %a = tensor.extract_slice %y[0, 0] [%n, 192] [1, 1] : tensor<?x384xf32> to tensor<?x192xf32>
  %b = tensor.extract_slice %y[0, 192] [%n, 192] [1, 1] : tensor<?x384xf32> to tensor<?x192xf32>
  %h = sherry.swiglu %a, %b : tensor<?x192xf32>
  %v, %t, %w = sherry.quantize_activations %h blocks [128, 64] : tensor<?x192xf32> -> tensor<?x192xi8>, tensor<?x2xf32>, tensor<?x2xi32>
  return %v, %t, %w : tensor<?x192xi8>, tensor<?x2xf32>, tensor<?x2xi32>
}
