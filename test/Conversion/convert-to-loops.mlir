// RUN: sherry-opt %s -sherry-convert-to-loops -cse -split-input-file | FileCheck %s --check-prefixes=CHECK,DOTS,SPLIT
// RUN: sherry-opt %s -sherry-attach-target=sum-tokens=4 -sherry-convert-to-loops -cse -split-input-file | FileCheck %s --check-prefixes=CHECK,PAIRS
// RUN: sherry-opt %s '-sherry-attach-target=fuse-unpack fuse-mul-add' -sherry-convert-to-loops -cse -split-input-file | FileCheck %s --check-prefix=FUSED
// RUN: sherry-opt %s '-sherry-attach-target=fuse-mul-add multiply-panels' -sherry-convert-to-loops -cse -split-input-file | FileCheck %s --check-prefix=WHOLE

// Arguments: weights, caches with their page tables, workspace, buffers of
// arguments and results, count of rows, indices, strides of page tables, team.
// 40 columns take 64.
// CHECK-LABEL: func @arguments
// CHECK-SAME: (%[[WEIGHTS:.*]]: memref<0xi8>, %[[PAGES:[^,]*]]: memref<4194304xi8>, %[[TABLE:[^,]*]]: memref<1024xi32>, %[[WORKSPACE:.*]]: memref<?xi8>,
// CHECK-SAME: %[[X:.*]]: memref<8x64xf32>, %[[Y:.*]]: memref<8x64xf32>, %[[ROWS:.*]]: index, %[[I:.*]]: index, %[[STRIDE:.*]]: index, %[[TEAM:.*]]: !sherry.team)
// CHECK-SAME: sherry.max_tokens = 8
func.func @arguments(%x: tensor<?x40xf32>, %cache: !sherry.kv_cache<2 x 1 x 4 x f32, max_context = 16>, %i: index) -> tensor<?x40xf32> attributes {sherry.max_tokens = 8 : i64} {
  // CHECK: affine.parallel (%[[ROW:.*]]) = (0) to (symbol(%[[ROWS]]))
  // CHECK: arith.addf
  // CHECK: affine.vector_store %{{.*}}, %[[Y]][%[[ROW]], %{{.*}}] : memref<8x64xf32>
  // CHECK: sherry.step = {op = "addf"}
  %y = arith.addf %x, %x : tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// One quantized token: each thread builds a table for each of the two groups,
// then the five tiles, of two super-tiles of two and one of
// one.
// CHECK-DAG: #[[CODES_MAP:.*]] = affine_map<(d0)[s0] -> (d0 * 64 + (d0 floordiv 2) * 256 + s0 * 512)>
module attributes {sherry.weights_size = 1024 : i64} {
sherry.weight @w count 2 from ["w.{}"] rows [160] at 0 stride 512 : tensor<160x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 2>>>
// CHECK-LABEL: func @lookups
// CHECK-SAME: (%[[WEIGHTS:.*]]: memref<1024xi8>, %{{.*}}, %{{.*}}: memref<1x32xf32>, %[[Y:.*]]: memref<1x160xf32>
func.func @lookups(%x: tensor<?x8xf32>, %layer: index) -> tensor<?x160xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<2x32xi16>
  // CHECK: affine.parallel
  // CHECK: sherry.step = {op = "quantize_activations"}
  // CHECK: affine.for %{{.*}} = 0 to 2
  // CHECK: sherry.build_table
  // CHECK: affine.parallel (%[[TILE:.*]]) = (0) to (5)
  // CHECK: affine.if #{{.*}}(%[[TILE]])
  // CHECK: %[[CODES:.*]] = affine.apply #[[CODES_MAP]](%[[TILE]])
  // CHECK: memref.view %[[WEIGHTS]][%[[CODES]]][]
  // CHECK: sherry.lookup_codes %[[TABLES]][{{.*}} {groups = 2 : i64}
  // CHECK: memref.view %[[WEIGHTS]]{{.*}} to memref<32xf32>
  // CHECK-NOT: sherry.lookup_codes
  // CHECK: } else {
  // CHECK: sherry.lookup_codes %[[TABLES]][{{.*}} {groups = 2 : i64}
  // CHECK-NOT: sherry.lookup_codes
  // CHECK: sherry.step = {op = "linear", weight = @w}
  %y = sherry.linear %values, @w[%layer] : tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>> -> tensor<?x160xf32>
  return %y : tensor<?x160xf32>
}
}

// -----

// Three inputs per group: a table at every third activation, of which four are
// loaded; the last ones are loaded apart.
// CHECK-DAG: #[[THREES:.*]] = affine_map<(d0) -> (d0 * 3)>
module attributes {sherry.weights_size = 384 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 384 : tensor<32x8x!sherry.trit, #sherry.ternary<codebook = <"dense">, contiguous, per_channel, scale = f32, layout = <words, interleave = 1>>>
// CHECK-LABEL: func @groups_of_three
func.func @groups_of_three(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words <"dense">>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<3x32xi16>
  // CHECK: affine.for %[[I:.*]] = 0 to 2
  // CHECK: %[[PLACE:.*]] = affine.apply #[[THREES]](%[[I]])
  // CHECK: affine.vector_load %[[VALUES:.*]][%{{.*}}, %[[PLACE]]] : memref<1x32xi8>, vector<4xi8>
  // CHECK: sherry.build_table %{{.*}} codebook <"dense"> : vector<4xi8> -> vector<32xi16>
  // CHECK: affine.vector_load %[[VALUES]][{{.*}}] : memref<1x32xi8>, vector<2xi8>
  // CHECK: vector.shuffle {{.*}} [0, 1, 2, 2] : vector<2xi8>, vector<2xi8>
  // CHECK: sherry.build_table
  // CHECK: sherry.lookup_codes %[[TABLES]][{{.*}} {groups = 3 : i64}
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words <"dense">>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Six inputs per group, of which eight are loaded where there are as many; a
// table of 32 entries is two of 16 nibbles.
// CHECK-DAG: #[[SIXES:.*]] = affine_map<(d0) -> (d0 * 6)>
module attributes {sherry.weights_size = 512 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 512 : tensor<32x20x!sherry.trit, #sherry.ternary<codebook = <"2:6">, contiguous, per_channel, scale = f32, layout = <nibbles, interleave = 1>>>
// CHECK-LABEL: func @groups_of_six
func.func @groups_of_six(%x: tensor<?x20xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x20xf32> -> tensor<?x20xi8, #sherry.quantized<contiguous, [20], tables = nibbles <"2:6">>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<8x2x16xi8>
  // CHECK: affine.for %[[I:.*]] = 0 to 3
  // CHECK: %[[PLACE:.*]] = affine.apply #[[SIXES]](%[[I]])
  // CHECK: affine.vector_load %[[VALUES:.*]][%{{.*}}, %[[PLACE]]] : memref<1x32xi8>, vector<8xi8>
  // CHECK: sherry.build_table %{{.*}} codebook <"2:6"> : vector<8xi8> -> vector<32xi16>
  // CHECK-COUNT-4: affine.vector_store %{{.*}}, %[[TABLES]]
  // CHECK: affine.vector_load %[[VALUES]][{{.*}}] : memref<1x32xi8>, vector<2xi8>
  // CHECK: vector.shuffle {{.*}} [0, 1, 2, 2, 2, 2, 2, 2] : vector<2xi8>, vector<2xi8>
  // CHECK: sherry.build_table
  // CHECK: sherry.lookup_codes %[[TABLES]][{{.*}} codebook <"2:6"> {groups = 4 : i64}
  %y = sherry.linear %values, @w : tensor<?x20xi8, #sherry.quantized<contiguous, [20], tables = nibbles <"2:6">>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Two tokens: their tables lie one after the other, and each code is looked up in both. A call may have one.
module attributes {sherry.weights_size = 256 : i64, sherry.schedule = #sherry.schedule<lookup_tokens = 2>} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 256 : tensor<32x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 1>>>
// CHECK-LABEL: func @two_tokens
func.func @two_tokens(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 2 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<4x32xi16>
  // CHECK: sherry.lookup_codes %[[TABLES]][%c0, %c2], %{{.*}}, %{{.*}}, %{{.*}} {groups = 2 : i64}
  // CHECK: affine.if #{{.*}}()[%{{.*}}] {
  // CHECK-NEXT: affine.vector_store {{.*}}[%c0, %{{.*}}] : memref<8x32xf32>
  // CHECK: affine.if #{{.*}}()[%{{.*}}] {
  // CHECK-NEXT: affine.vector_store {{.*}}[%c1, %{{.*}}] : memref<8x32xf32>
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Sixteen tokens, of which four are looked up together: a unit is eight tiles for a block of tokens, or for half of one if two tokens are left. The tables of a block of tokens lie together, the two of a token after each other.
module attributes {sherry.weights_size = 2048 : i64, sherry.schedule = #sherry.schedule<lookup_tokens = 4>} {
sherry.weight @w count 1 from ["w"] rows [256] at 0 stride 2048 : tensor<256x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 4>>>
// CHECK-DAG: #[[TABLE:.*]] = affine_map<(d0, d1, d2) -> (d0 + d1 * 2 + d2 * 8)>
// CHECK-DAG: #[[FIRST:.*]] = affine_map<(d0) -> (d0 * 4 - (d0 floordiv 4) * 16)>
// CHECK-DAG: #[[MORE:.*]] = affine_set<(d0)[s0] : (-d0 + s0 - 3 >= 0)>
// CHECK-DAG: #[[SOME:.*]] = affine_set<(d0)[s0] : (-d0 + s0 - 1 >= 0)>
// CHECK-LABEL: func @blocks
func.func @blocks(%x: tensor<?x8xf32>) -> tensor<?x256xf32> attributes {sherry.max_tokens = 16 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() : memref<32x32xi16>
  // CHECK: affine.parallel (%[[ROW:.*]]) = (0) to (symbol(%{{.*}})) {
  // CHECK: affine.for %[[BLOCK:.*]] = 0 to 1 {
  // CHECK: affine.for %[[GROUP:.*]] = 0 to 2 {
  // CHECK: %[[AT:.*]] = affine.apply #[[TABLE]](%[[GROUP]], %[[ROW]], %[[BLOCK]])
  // CHECK: affine.vector_store %{{.*}}, %[[TABLES]][%[[AT]], %{{.*}}]
  // CHECK: affine.parallel (%[[UNIT:.*]]) = (0) to (4) {
  // CHECK: %[[TOTALS:.*]] = memref.alloc() : memref<8x4x32xf32>
  // CHECK: %[[BEGIN:.*]] = affine.apply #[[FIRST]](%[[UNIT]])
  // CHECK: affine.if #[[MORE]](%[[BEGIN]])[%{{.*}}] {
  // CHECK: affine.for %[[TILE:.*]] = 0 to 8 {
  // CHECK: %{{.*}}:4 = sherry.lookup_codes %[[TABLES]]
  // CHECK: affine.vector_load %[[TOTALS]][%[[TILE]], %c3, %{{.*}}]
  // CHECK: } else {
  // CHECK: affine.if #[[SOME]](%[[BEGIN]])[%{{.*}}] {
  // CHECK: %{{.*}}:2 = sherry.lookup_codes %[[TABLES]]
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = words>> -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
}

// -----

// A row of a ternary embedding: its tile is unpacked.
module attributes {sherry.weights_size = 512 : i64} {
sherry.weight @w count 1 from ["w"] rows [64] at 0 stride 512 : tensor<64x8x!sherry.trit, #sherry.ternary<codebook = <"dense">, contiguous, per_channel, scale = f32, layout = <words, interleave = 1>>>
// CHECK-LABEL: func @ternary_embedding
func.func @ternary_embedding(%tokens: tensor<?xi32>) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  // CHECK: sherry.unpack_codes %{{.*}} words codebook <"dense"> : vector<64xi8> -> vector<2x2x64xi8>
  // CHECK: affine.for %[[FOUR:.*]] = 0 to 2
  // CHECK: vector.load %{{.*}}[%[[FOUR]], %{{.*}}, %{{.*}}] : memref<64x2x64xi8>, vector<4xi8>
  // CHECK: arith.mulf
  // CHECK: affine.vector_store {{.*}} : memref<8x32xf32>, vector<4xf32>
  %y = sherry.embedding %tokens, @w : tensor<?xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}

// -----

// Nibbles: 16 entries per group, low bytes and high bytes, and signs.
module attributes {sherry.weights_size = 256 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 256 : tensor<32x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <nibbles, interleave = 1>>>
// CHECK-LABEL: func @nibbles
func.func @nibbles(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = nibbles>>
  // CHECK: %[[TABLES:.*]] = memref.alloc() {sherry.per_thread} : memref<2x2x16xi8>
  // CHECK: sherry.build_table %{{.*}} : vector<4xi8> -> vector<16xi16>
  // CHECK: sherry.lookup_codes %[[TABLES]]
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8], tables = nibbles>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// On a CPU with a matrix unit: rows of 128 bytes, as products may read 60 beyond
// the last group, and 32 of them; a row is one in memory.
module attributes {sherry.weights_size = 256 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 256 : tensor<32x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 1>>>
// WHOLE-LABEL: func @whole
func.func @whole(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 8 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8]>>
  // WHOLE: %[[VALUES:.*]] = memref.alloc() : memref<32x128xi8>
  // WHOLE: memref.reinterpret_cast %[[VALUES]] {{.*}} to memref<32x32x1x4xi8>
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8]>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Several tokens: a chunk of codes becomes a panel of bytes, once for all, and
// whoever is free takes the next tile.
module attributes {sherry.weights_size = 256 : i64} {
sherry.weight @w count 1 from ["w"] rows [32] at 0 stride 256 : tensor<32x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <words, interleave = 1>>>
// CHECK-LABEL: func @panel
func.func @panel(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 8 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8]>>
  // CHECK: affine.parallel
  // CHECK: %[[PANEL:.*]] = memref.alloca() : memref<64x2x64xi8>
  // Totals of the tokens.
  // CHECK: memref.alloc() : memref<1x8x32xf32>
  // CHECK: %[[TRITS:.*]] = sherry.unpack_codes %{{.*}} words bias 1
  // CHECK: vector.transfer_write %[[TRITS]], %[[PANEL]]
  // Then token by token: both halves of the outputs at once, or one after the
  // other where sums of pairs will need the registers.
  // CHECK: affine.for %[[ROW:.*]] = 0 to
  // CHECK: affine.for
  // CHECK: affine.vector_load %[[PANEL]]
  // DOTS-COUNT-2: sherry.dot_accumulate {{.*}} {max_weight = 2 : i32}
  // PAIRS: sherry.dot_accumulate
  // CHECK: affine.yield
  // PAIRS: affine.for
  // PAIRS: sherry.dot_accumulate
  // CHECK-NOT: sherry.dot_accumulate
  // CHECK: sherry.on_demand
  // Sums start with the bits of 3 * 2^22, and are not converted. The eight
  // values, which are negated, have these bits, too: 9 * 0x4B400000 in 32 bits.
  // FUSED-LABEL: func @panel(
  // FUSED: arith.constant -1522532352 : i32
  // FUSED-NOT: arith.sitofp
  // FUSED: math.fma
  %y = sherry.linear %values, @w : tensor<?x8xi8, #sherry.quantized<contiguous, [8]>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// CHECK-LABEL: func @panel_f32
func.func @panel_f32(%x: tensor<?x8xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  // CHECK: sherry.unpack_codes
  // SPLIT: arith.mulf
  // SPLIT: arith.addf
  // FUSED: math.fma
  // CHECK-NOT: sherry.dot_accumulate
  %y = sherry.linear %x, @w : tensor<?x8xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

module attributes {sherry.weights_size = 4096 : i64} {
sherry.weight @q8 count 1 from ["q"] rows [32] at 0 stride 1088 : tensor<32x32x!sherry.q8_0>
sherry.weight @dense count 1 from ["d"] rows [32] at 1088 stride 2048 : tensor<32x32xbf16>
sherry.weight @q6 count 1 from ["q"] rows [32] at 3136 stride 896 : tensor<32x32x!sherry.q6_K>
sherry.weight @q4 count 1 from ["q"] rows [32] at 0 stride 576 : tensor<32x32x!sherry.q4_0>
// CHECK-LABEL: func @q8_0
func.func @q8_0(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>>
  // CHECK: sherry.dot_accumulate {{.*}} {max_weight = 255 : i32}
  %y = sherry.linear %values, @q8 : tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 128>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// A group has the low four bits of two planes and the upper two of a third.
// CHECK-LABEL: func @q6_K
func.func @q6_K(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>>
  // CHECK-DAG: %[[LOW:.*]] = arith.constant dense<252645135> : vector<16xi32>
  // CHECK-DAG: %[[UPPER:.*]] = arith.constant dense<808464432> : vector<16xi32>
  // CHECK: arith.andi %{{.*}}, %[[LOW]]
  // CHECK: arith.andi %{{.*}}, %[[UPPER]]
  // CHECK: arith.ori
  // CHECK: sherry.dot_accumulate {{.*}} {max_weight = 63 : i32}
  // CHECK: arith.sitofp %{{.*}} : vector<16xi8> to vector<16xf32>
  %y = sherry.linear %values, @q6 : tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// CHECK-LABEL: func @q4_0
func.func @q4_0(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 8>>
  // CHECK: sherry.dot_accumulate {{.*}} {max_weight = 15 : i32}
  %y = sherry.linear %values, @q4 : tensor<?x32xi8, #sherry.quantized<contiguous, [32] bias = 8>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// Several tokens: a token sums all blocks in registers, or a block is unpacked
// in registers for all tokens, half by half.
// CHECK-LABEL: func @q6_K_tokens
func.func @q6_K_tokens(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 16 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>>
  // DOTS: affine.parallel
  // DOTS: affine.parallel
  // DOTS: affine.for %[[ROW:.*]] = 0 to %{{.*}} {
  // DOTS: affine.for %{{.*}} = 0 to 2 iter_args
  // DOTS: arith.ori
  // DOTS: sherry.dot_accumulate
  // PAIRS: affine.parallel
  // PAIRS: affine.parallel
  // PAIRS: affine.for %{{.*}} = 0 to %{{.*}} {
  // PAIRS: affine.vector_store
  // PAIRS: affine.for %{{.*}} = 0 to 2 {
  // PAIRS: arith.ori
  // PAIRS: affine.for %[[ROW:.*]] = 0 to %{{.*}} {
  // PAIRS-NOT: arith.ori
  // PAIRS-COUNT-4: sherry.dot_accumulate
  // PAIRS: affine.vector_store %{{.*}}, %{{.*}}[%[[ROW]], %{{.*}}] : memref<16x32xf32>, vector<16xf32>
  // PAIRS: arith.ori
  // PAIRS: affine.for %[[ROW:.*]] = 0 to %{{.*}} {
  // PAIRS-NOT: arith.ori
  // PAIRS-COUNT-4: sherry.dot_accumulate
  // PAIRS: affine.vector_store %{{.*}}, %{{.*}}[%[[ROW]], %{{.*}}] : memref<16x32xf32>, vector<16xf32>
  %y = sherry.linear %values, @q6 : tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// The sums of two tokens fit into few registers, too.
// CHECK-LABEL: func @q6_K_two
func.func @q6_K_two(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 2 : i64} {
  %values = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>>
  // CHECK: affine.parallel
  // CHECK: affine.parallel
  // CHECK: affine.for %{{.*}} = 0 to %{{.*}} {
  // CHECK: affine.for %{{.*}} = 0 to 2 iter_args
  // CHECK: sherry.dot_accumulate
  %y = sherry.linear %values, @q6 : tensor<?x32xi8, #sherry.quantized<contiguous, [16, 16] bias = 32>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// CHECK-LABEL: func @bf16
func.func @bf16(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  // CHECK: arith.extf %{{.*}} : vector<32xbf16> to vector<32xf32>
  // SPLIT: arith.mulf
  // SPLIT: arith.addf
  // FUSED: math.fma
  %y = sherry.linear %x, @dense : tensor<?x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// What a loop carries alternates between two buffers, and a call writes to
// the buffer that its result is returned in.
// CHECK-LABEL: func private @layer
func.func private @layer(%x: tensor<?x32xf32>, %i: index) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %y = arith.addf %x, %x : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
// CHECK-LABEL: func @loop
// CHECK-SAME: %[[X:[^,]*]]: memref<1x32xf32>, %[[Y:[^,]*]]: memref<1x32xf32>
func.func @loop(%x: tensor<?x32xf32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %a = arith.addf %x, %x : tensor<?x32xf32>
  // CHECK-DAG: %[[A:.*]] = memref.alloc() : memref<1x32xf32>
  // CHECK-DAG: %[[B:.*]] = memref.alloc() : memref<1x32xf32>
  // CHECK: scf.for %{{.*}} iter_args(%[[FROM:.*]] = %[[A]], %[[TO:.*]] = %[[B]])
  // CHECK: call @layer(%{{.*}}, %{{.*}}, %[[FROM]], %[[TO]],
  // CHECK: scf.yield %[[TO]], %[[FROM]]
  %b = scf.for %i = %c0 to %c4 step %c1 iter_args(%carried = %a) -> (tensor<?x32xf32>) {
    %next = func.call @layer(%carried, %i) : (tensor<?x32xf32>, index) -> tensor<?x32xf32>
    scf.yield %next : tensor<?x32xf32>
  }
  // CHECK: affine.vector_store %{{.*}}, %[[Y]]
  %c = arith.addf %b, %b : tensor<?x32xf32>
  return %c : tensor<?x32xf32>
}

// -----

// Frequencies 1 and 0.01 divided by 1 and 4; cosines and sines grow in f64.
module attributes {sherry.weights_size = 0 : i64} {
// CHECK-LABEL: func @yarn
// CHECK-DAG: arith.constant dense<[1.000000e+00, 2.500000e-03]> : vector<2xf32>
// CHECK-DAG: arith.constant dense<1.375000e+00> : vector<2xf64>
func.func @yarn(%positions: tensor<?xi32>) -> tensor<?x4xf32> attributes {sherry.max_tokens = 8 : i64} {
  %table = sherry.rope_table %positions theta 10000.0 divisors [1.0, 4.0] magnitude 1.375 : tensor<?x4xf32>
  return %table : tensor<?x4xf32>
}
}

// -----

// The other ops of a graph; what they compute is tested with whole models.
module attributes {sherry.weights_size = 256 : i64} {
sherry.weight @norm count 1 from ["n"] rows [8] at 0 stride 64 : tensor<8xf32>
// CHECK-LABEL: func @others
// CHECK-SAME: (%{{.*}}: memref<256xi8>, %[[PAGES:.*]]: memref<4194304xi8>, %[[TABLE:.*]]: memref<1024xi32>, %{{.*}}, %[[STRIDE:[a-z0-9]*]]: index, %{{[a-z0-9]*}}: !sherry.team)
func.func @others(%x: tensor<?x8xf32>, %positions: tensor<?xi32>, %sequences: tensor<?xi32>, %cache: !sherry.kv_cache<1 x 1 x 8 x f32, max_context = 16>, %layer: index, %last: index) -> tensor<?x8xf32> attributes {sherry.max_tokens = 8 : i64} {
  // CHECK: sherry.step = {op = "rope_table"}
  %table = sherry.rope_table %positions theta 10000.0 : tensor<?x8xf32>
  // CHECK: math.sqrt
  // CHECK: sherry.step = {op = "rms_norm", weight = @norm}
  %0 = sherry.rms_norm %x, @norm epsilon 1.0e-5 : tensor<?x8xf32>
  // CHECK: sherry.step = {op = "rope"}
  %1 = sherry.rope %0, %table : tensor<?x8xf32>, tensor<?x8xf32>
  // The page of entry sequence * stride + position / 64.
  // CHECK: arith.muli %{{.*}}, %[[STRIDE]]
  // CHECK: %[[PAGE:.*]] = memref.load %[[TABLE]]
  // CHECK: arith.index_castui %[[PAGE]]
  // CHECK: memref.view %[[PAGES]]{{.*}} to memref<64x8xf32>
  // CHECK: memref.view %[[PAGES]]{{.*}} to memref<4x8x16xf32>
  // CHECK: sherry.step = {op = "update_cache"}
  sherry.update_cache %1, %x, %cache[%layer] at %positions of %sequences : tensor<?x8xf32>, <1 x 1 x 8 x f32, max_context = 16>
  // CHECK: math.exp
  // CHECK: sherry.step = {op = "attention"}
  %2 = sherry.attention %1, %cache[%layer] at %positions of %sequences : tensor<?x8xf32>, <1 x 1 x 8 x f32, max_context = 16>
  // CHECK: math.exp
  // CHECK: sherry.step = {op = "swiglu"}
  %gated = sherry.swiglu %2, %x : tensor<?x8xf32>
  // A square of what is above zero.
  // CHECK-NOT: math.exp
  // CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[X:.*]], %[[ZERO:.*]] :
  // CHECK: %[[RELU:.*]] = arith.select %[[BELOW]], %[[ZERO]], %[[X]] :
  // CHECK: arith.mulf %[[RELU]], %[[RELU]] :
  // CHECK: sherry.step = {op = "swiglu"}
  %3 = sherry.swiglu %gated, %x activation relu2 : tensor<?x8xf32>
  // CHECK: sherry.step = {op = "quantize_activations"}
  %values = sherry.quantize_activations %3 : tensor<?x8xf32> -> tensor<?x8xi8, #sherry.quantized<contiguous, [8]>>
  // Only a view.
  // CHECK: memref.subview
  %4 = sherry.last_tokens %3, %last : tensor<?x8xf32>
  // CHECK: sherry.step = {op = "addf"}
  %5 = arith.addf %4, %4 : tensor<?x8xf32>
  return %5 : tensor<?x8xf32>
}
}

// -----

// A cache in i8: queries and weights are two bytes each, so that the loads of 64
// bytes of the cache are multiplied twice per query head.
module attributes {sherry.weights_size = 256 : i64} {
// CHECK-LABEL: func @integer_cache
func.func @integer_cache(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %positions: tensor<?xi32>, %sequences: tensor<?xi32>, %cache: !sherry.kv_cache<1 x 1 x 16 x i8, max_context = 16>, %layer: index) -> tensor<?x32xf32> attributes {sherry.max_tokens = 8 : i64} {
  // Twice: keys, values.
  // CHECK: memref.view {{.*}} to memref<4x16x4xi8>
  // CHECK: memref.view {{.*}} to memref<16xf32>
  // CHECK: memref.view {{.*}} to memref<4x16x4xi8>
  // CHECK: memref.view {{.*}} to memref<16xf32>
  // CHECK: sherry.step = {op = "update_cache"}
  sherry.update_cache %k, %k, %cache[%layer] at %positions of %sequences : tensor<?x16xf32>, <1 x 1 x 16 x i8, max_context = 16>
  // Scores of each head.
  // CHECK: affine.parallel (%{{.*}}) = (0) to (2)
  // CHECK: %[[KEYS:.*]] = affine.vector_load %{{.*}} : memref<4x16x4xi8{{.*}}>, vector<64xi8>
  // CHECK-COUNT-2: sherry.dot_accumulate %[[KEYS]], {{.*}} {max_weight = 255 : i32}
  // CHECK-NOT: sherry.dot_accumulate
  // CHECK: math.exp
  // Values.
  // CHECK: %[[VALUES:.*]] = affine.vector_load %{{.*}} : memref<4x16x4xi8{{.*}}>, vector<64xi8>
  // CHECK-COUNT-2: sherry.dot_accumulate %[[VALUES]]
  // CHECK: sherry.step = {op = "attention"}
  %0 = sherry.attention %q, %cache[%layer] at %positions of %sequences : tensor<?x32xf32>, <1 x 1 x 16 x i8, max_context = 16>
  return %0 : tensor<?x32xf32>
}
}
