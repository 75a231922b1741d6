// Several ops of one token in one parallel loop.
// RUN: sherry-opt %s -sherry-convert-to-loops | FileCheck %s

#blocks = #sherry.quantized<contiguous, [16, 16]>
!cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>
module attributes {sherry.schedule = #sherry.schedule<lookup_tokens = 2>} {
sherry.weight @gain count 1 from ["n"] rows [32] at 0 stride 128 : tensor<32xf32>

// No step: each thread finds the root and quantizes all blocks to its own row.
// Blocks are normalised where they are quantized.
// CHECK-LABEL: func @norm(
// CHECK-NOT: affine.parallel
// CHECK: %[[ROW:.*]] = memref.alloc() {sherry.per_thread} : memref<1x32xi8>
// CHECK: affine.for
// CHECK: math.sqrt
// CHECK: affine.for %{{.*}} = 0 to 2 {
// CHECK: %[[BLOCK:.*]] = memref.alloc() {sherry.per_thread} : memref<1x16xf32>
// CHECK: affine.vector_store %{{.*}}, %[[BLOCK]]
// CHECK: affine.vector_load %[[BLOCK]]{{.*}} : memref<1x16xf32>, vector<16xf32>
// CHECK: %[[BYTES:.*]] = arith.trunci
// CHECK: affine.vector_store %[[BYTES]], %[[ROW]]
// CHECK-NOT: affine.parallel
// CHECK: return
func.func @norm(%x: tensor<?x32xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %q = sherry.quantize_norm %x, @gain epsilon 1.0e-5 : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return
}

// The same for each of a few tokens.
// CHECK-LABEL: func @norms(
// CHECK-SAME: %[[COUNT:[a-z0-9]*]]: index
// CHECK-NOT: affine.parallel
// CHECK: memref.alloc() {sherry.per_thread} : memref<8x32xi8>
// CHECK: affine.for %[[TOKEN:.*]] = 0 to %[[COUNT]] {
// CHECK: math.sqrt
// CHECK: affine.for %{{.*}} = 0 to 2 {
// CHECK: arith.trunci
// CHECK-NOT: affine.parallel
// CHECK: return
func.func @norms(%x: tensor<?x32xf32>) attributes {sherry.max_tokens = 2 : i64} {
  %q = sherry.quantize_norm %x, @gain epsilon 1.0e-5 : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return
}

// The tables of a result, too, although the inputs of this product have none.
// CHECK-LABEL: func @gated(
// CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<32x32xi16>
// CHECK: affine.parallel
// CHECK-NOT: sherry.build_table
// CHECK: } {sherry.on_demand, sherry.step = {op = "gated_linear", weight = @w}}
// CHECK: sherry.build_table
// CHECK: affine.vector_store %{{.*}}, %[[TABLES]]
// CHECK: return
sherry.weight @w count 1 from ["w"] rows [128] at 128 stride 8192 : tensor<128x64x!sherry.trit, #sherry.ternary<contiguous, per_group(64), scale = f16, layout = #sherry.layout<words, interleave = 2>>>
func.func @gated(%a: tensor<?x64xf32>) attributes {sherry.max_tokens = 2 : i64} {
  %x = sherry.quantize_activations %a : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
  %v = sherry.gated_linear %x, @w : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>>
  return
}

// CHECK-LABEL: func @swiglu(
// CHECK: affine.parallel (%{{.*}}) = (0) to (2) {
// CHECK: math.exp
// CHECK: arith.trunci
// CHECK: } {sherry.step = {op = "quantize_swiglu"}}
// CHECK-NOT: affine.parallel
// CHECK: return
func.func @swiglu(%x: tensor<?x32xf32>, %y: tensor<?x32xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %q = sherry.quantize_swiglu %x, %y : tensor<?x32xf32> -> tensor<?x32xi8, #blocks>
  return
}

// Two heads of keys, for two heads of queries and one block each.
// CHECK-LABEL: func @attend(
// CHECK: affine.parallel (%[[HEAD:.*]]) = (0) to (2) {
// The queries of the head are rotated, its keys, then stored.
// CHECK: affine.for %{{.*}} = 0 to 2 {
// CHECK: arith.subf
// CHECK: arith.subf
// CHECK: memref.store
// The inner loop is that of the heads of queries.
// CHECK: affine.parallel (%{{.*}}) = (0) to (2) {
// CHECK: math.exp
// CHECK: arith.trunci
// CHECK: } {sherry.on_demand, sherry.step = {op = "attend"}}
// CHECK-NOT: affine.parallel
// CHECK: return
func.func @attend(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %v: tensor<?x16xf32>, %table: tensor<?x8xf32>, %cache: !cache, %layer: index, %at: tensor<?xi32>, %of: tensor<?xi32>) attributes {sherry.max_tokens = 1 : i64} {
  %a = sherry.attend %q, %k, %v with %table, %cache[%layer] at %at of %of : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x8xf32>, !cache -> tensor<?x32xi8, #blocks>
  return
}
}
